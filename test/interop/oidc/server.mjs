// An identity server on loopback for the tests beside it. It reads one line of JSON from standard
// input:
//
//   {"clients": [client metadata], "scopes": ["…"], "lifetime": seconds}
//
// writes one line of JSON with its URLs to standard output, and ends when standard input does, so
// that it outlives no test.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { Provider } from 'oidc-provider';

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => start(JSON.parse(line)));
lines.once('close', () => process.exit(0));

function start({ clients, scopes, lifetime }) {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, {
      clients: clients.map((client) => ({
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        ...client,
      })),
      scopes,
      ttl: { ClientCredentials: lifetime },
      routes: { token: '/connect/token', introspection: '/connect/introspect', revocation: '/connect/revoke' },
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        introspection: { enabled: true },
        revocation: { enabled: true },
      },
    });
    server.on('request', provider.callback());
    process.stdout.write(`${JSON.stringify({ issuer })}\n`);
  });
}

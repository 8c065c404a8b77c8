package sandbox

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// What a sandbox has when no option says otherwise.
const (
	defaultAddr     = "127.0.0.1:0"
	defaultClientID = "5d1c6f2e-0b0f-4c7e-9a55-3f6f1e0c2b71"
	defaultSecret   = "loopback-only" // it opens an invented history on loopback
	defaultScope    = "Dynamics.ReadWrite.All"
	defaultJobs     = 5000
	defaultLifetime = time.Hour
	maxJobs         = 1_000_000
)

// Option changes a sandbox when it starts.
type Option func(*config) error

// config is what the options make.
type config struct {
	addr                   string
	clientID, clientSecret string
	certificates           []*x509.Certificate
	scope                  string
	anchor                 time.Time
	jobs                   int
	lifetime               time.Duration
	faults                 []Fault
}

func newConfig(opts []Option) (config, error) {
	c := config{
		addr:         defaultAddr,
		clientID:     defaultClientID,
		clientSecret: defaultSecret,
		scope:        defaultScope,
		anchor:       time.Now(),
		jobs:         defaultJobs,
		lifetime:     defaultLifetime,
	}
	for _, opt := range opts {
		if err := opt(&c); err != nil {
			return config{}, err
		}
	}
	return c, nil
}

// WithAddr sets the address to listen on, such as "127.0.0.1:8080". Its host must be a loopback
// address or "localhost"; port 0 takes a free port. The default is "127.0.0.1:0".
func WithAddr(addr string) Option {
	return func(c *config) error {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return fmt.Errorf("address %q: %w", addr, err)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("address %q is not a loopback address: use 127.0.0.1, [::1] or localhost", addr)
		}
		c.addr = addr
		return nil
	}
}

// WithClient sets the id and the secret of the one client that the sandbox knows. The defaults are
// the same on every start.
func WithClient(id, secret string) Option {
	return func(c *config) error {
		if id == "" || secret == "" {
			return errors.New("a client needs an id and a secret")
		}
		c.clientID, c.clientSecret = id, secret
		return nil
	}
}

// WithCertificate registers a certificate with the client, beside its secret and the certificates
// registered before. Its key must be RSA. Without any, every client assertion is refused.
func WithCertificate(cert *x509.Certificate) Option {
	return func(c *config) error {
		if cert == nil {
			return errors.New("no certificate given")
		}
		if _, ok := cert.PublicKey.(*rsa.PublicKey); !ok {
			return fmt.Errorf("the certificate %q has no RSA key", cert.Subject)
		}
		c.certificates = append(c.certificates, cert)
		return nil
	}
}

// WithScope sets the one scope that the token endpoint grants, spelled exactly so. The default is
// "Dynamics.ReadWrite.All"; the vendor's pages also spell it in lower case.
func WithScope(scope string) Option {
	return func(c *config) error {
		if scope == "" {
			return errors.New("the scope is empty")
		}
		c.scope = scope
		return nil
	}
}

// WithAnchor sets the present from which the history reaches back; the default is when the sandbox
// starts. The history is the same on every start but for its anchor. Tokens expire by the real
// clock all the same.
func WithAnchor(present time.Time) Option {
	return func(c *config) error {
		if present.IsZero() {
			return errors.New("the anchor is the zero time")
		}
		c.anchor = present
		return nil
	}
}

// WithJobs sets how far the history reaches back, in jobs: from 0 to a million. The default of 5000
// makes about two years; with 0 the history is empty, to be filled by [Server.Put].
func WithJobs(n int) Option {
	return func(c *config) error {
		if n < 0 || n > maxJobs {
			return fmt.Errorf("a history of %d jobs is not possible: it holds 0 to %d", n, maxJobs)
		}
		c.jobs = n
		return nil
	}
}

// WithTokenLifetime sets how long a token is valid: whole seconds, at least one. The default is an
// hour.
func WithTokenLifetime(d time.Duration) Option {
	return func(c *config) error {
		if d < time.Second || d%time.Second != 0 {
			return fmt.Errorf("a token lifetime of %v is not whole seconds, at least one", d)
		}
		c.lifetime = d
		return nil
	}
}

// WithFault starts the sandbox with faults set; see [Server.SetFaults].
func WithFault(faults ...Fault) Option {
	return func(c *config) error {
		c.faults = append(c.faults, faults...)
		return nil
	}
}

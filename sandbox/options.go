package sandbox

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

const maxJobs = 1_000_000

// Option configures a sandbox for [Start].
type Option func(*config) error

type config struct {
	addr                   string
	clientID, clientSecret string
	certificates           []*x509.Certificate
	scope                  string
	anchor                 time.Time
	jobs                   int
	history                []Job // instead of generated jobs
	lifetime               time.Duration
	faults                 []Fault
}

func defaultConfig() config {
	return config{
		addr:         "127.0.0.1:0",
		clientID:     "5d1c6f2e-0b0f-4c7e-9a55-3f6f1e0c2b71",
		clientSecret: "loopback-only", // gives access to nothing but a generated history
		scope:        "Dynamics.ReadWrite.All",
		anchor:       time.Now(),
		jobs:         5000,
		lifetime:     time.Hour,
	}
}

// option returns an option that applies set, or fails with the problem if it is not valid.
func option(valid bool, problem string, set func(*config)) Option {
	return func(c *config) error {
		if !valid {
			return errors.New(problem)
		}
		set(c)
		return nil
	}
}

// WithAddr sets the address to listen on, such as "127.0.0.1:8080". Its host must be a loopback
// address or "localhost"; port 0 chooses a free port. The default is "127.0.0.1:0".
func WithAddr(addr string) Option {
	problem := fmt.Sprintf("address %q is not a loopback address: use 127.0.0.1, [::1] or localhost", addr)
	return option(isLoopback(addr), problem, func(c *config) { c.addr = addr })
}

// WithClient sets the id and the secret of the sandbox's only client. The defaults are the same on every
// start.
func WithClient(id, secret string) Option {
	return option(id != "" && secret != "", "client id or secret is empty: set both", func(c *config) {
		c.clientID, c.clientSecret = id, secret
	})
}

// WithCertificate registers a certificate of the client, in addition to its secret and to certificates
// registered earlier. Its key must be RSA. Without a certificate, every client assertion is refused.
func WithCertificate(cert *x509.Certificate) Option {
	if cert == nil {
		return option(false, "certificate is nil", nil)
	}
	_, isRSA := cert.PublicKey.(*rsa.PublicKey)
	return option(isRSA, fmt.Sprintf("certificate %q has no RSA key: use one that has", cert.Subject), func(c *config) {
		c.certificates = append(c.certificates, cert)
	})
}

// WithScope sets the only scope that the token endpoint grants. Its case matters. The default is
// "Dynamics.ReadWrite.All"; the vendor's pages also spell it in lower case.
func WithScope(scope string) Option {
	return option(scope != "", "scope is empty", func(c *config) { c.scope = scope })
}

// WithAnchor sets the time at which the history ends. The default is the time of the start. The same anchor
// gives the same history. It does not change when tokens expire.
func WithAnchor(present time.Time) Option {
	return option(!present.IsZero(), "anchor is the zero time", func(c *config) { c.anchor = present })
}

// WithJobs sets the number of jobs in the history, from 0 to a million. The default of 5000 covers about
// two years. With 0 the history is empty; [Server.Put] fills it.
func WithJobs(n int) Option {
	problem := fmt.Sprintf("invalid number of jobs %d: use 0 to %d", n, maxJobs)
	return option(0 <= n && n <= maxJobs, problem, func(c *config) { c.jobs, c.history = n, nil })
}

// WithHistory makes these jobs the history, instead of generated ones. Without jobs it is empty.
func WithHistory(jobs ...Job) Option {
	return option(true, "", func(c *config) { c.jobs, c.history = 0, slices.Clone(jobs) })
}

// WithTokenLifetime sets how long a token is valid: one second or more, in whole seconds. The default is
// one hour.
func WithTokenLifetime(d time.Duration) Option {
	problem := fmt.Sprintf("invalid token lifetime %v: use whole seconds, at least one", d)
	return option(d >= time.Second && d%time.Second == 0, problem, func(c *config) { c.lifetime = d })
}

// WithFault sets faults from the start, as [Server.SetFaults] does later.
func WithFault(faults ...Fault) Option {
	return option(true, "", func(c *config) { c.faults = append(c.faults, faults...) })
}

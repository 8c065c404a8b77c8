package token

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/oauth2"
)

// Rotating is a Source whose credential can be replaced while it is in use. When no token is given for the one that it has,
// it reads it again, and tries the new one at once if it is another. It is safe for concurrent use.
type Rotating struct {
	reread func(Config) (Config, error)

	mu     sync.Mutex
	config Config
	source *Source
}

// NewRotating checks the configuration like New. Reread returns a configuration with the credential as it is now; it is
// called by one goroutine at a time. If it fails, the error that made it necessary stands.
func NewRotating(config Config, reread func(Config) (Config, error)) (*Rotating, error) {
	source, err := New(config)
	return &Rotating{reread: reread, config: config, source: source}, err
}

// Token returns a token like that of Source.
func (r *Rotating) Token(ctx context.Context) (*oauth2.Token, error) {
	source := r.current()
	token, err := source.Token(ctx)
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Retry {
		return token, err
	}
	if next := r.replace(source); next != source {
		return next.Token(ctx)
	}
	return token, err
}

// Invalidate forgets a token like that of Source.
func (r *Rotating) Invalidate(token *oauth2.Token) { r.current().Invalidate(token) }

// Secret returns the client secret in use; empty if there is none.
func (r *Rotating) Secret() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config.ClientSecret.Reveal()
}

func (r *Rotating) current() *Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source
}

// replace returns the source to use after a refused one: that which another caller has put in its place, one with a
// credential that has changed since, or the same.
func (r *Rotating) replace(refused *Source) *Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.source != refused {
		return r.source
	}
	config, err := r.reread(r.config)
	if err != nil || config.hasCredentialOf(r.config) {
		return refused
	}
	source, err := New(config)
	if err != nil {
		return refused
	}
	r.config, r.source = config, source
	return source
}

// hasCredentialOf reports whether two configurations have the same credential.
func (c Config) hasCredentialOf(other Config) bool {
	if c.ClientID != other.ClientID || c.ClientSecret.Reveal() != other.ClientSecret.Reveal() {
		return false
	}
	if c.Certificate == nil || other.Certificate == nil {
		return c.Certificate == other.Certificate
	}
	return c.Certificate.Thumbprint() == other.Certificate.Thumbprint()
}

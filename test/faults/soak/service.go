package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	jobs     = 60
	pageSize = 15
	secret   = "canary-soak-secret"
	// lifetime is that of tokens, which are replaced when a fifth of it is left.
	lifetime = 3 * time.Second
)

// service is a sandbox whose history does not change, with counts of its events.
type service struct {
	*sandbox.Server
	ids   []string
	query d365backup.Query

	tokenRequests, revoked atomic.Int64
}

func startService() (*service, error) {
	s := new(service)
	anchor := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var err error
	s.Server, err = sandbox.Start(sandbox.WithClient("app", secret), sandbox.WithAnchor(anchor), sandbox.WithJobs(jobs),
		sandbox.WithTokenLifetime(lifetime), sandbox.WithFault(sandbox.Fault{Name: "count-tokens", Middleware: s.count}))
	if err != nil {
		return nil, err
	}
	for _, job := range s.Jobs(sandbox.Filter{}) {
		s.ids = append(s.ids, job.JobID)
	}
	s.query = d365backup.Query{Start: anchor.AddDate(-10, 0, 0), End: anchor}
	return s, nil
}

func (s *service) host() string { return strings.TrimPrefix(s.URL(), "http://") }

// count counts the token requests that arrive.
func (s *service) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.URL()+r.URL.Path == s.TokenURL() {
			s.tokenRequests.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

func (s *service) keepRevoking(ended <-chan struct{}, choice *rand.Rand) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(time.Second + time.Duration(choice.Int64N(int64(4*time.Second)))):
			s.RevokeTokens()
			s.revoked.Add(1)
		}
	}
}

// client returns a client that connects through the lane; directly if it is nil.
func (s *service) client(route *lane, c *counts) (*d365backup.Client, *http.Transport, error) {
	transport := &http.Transport{MaxConnsPerHost: 16, MaxIdleConnsPerHost: 16}
	if route != nil {
		transport.DialContext = route.dial
	}
	client, err := d365backup.New(
		d365backup.WithBaseURL(s.URL()),
		d365backup.WithTokenURL(s.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret("app", secret),
		d365backup.WithHTTPClient(&http.Client{Transport: transport}),
		d365backup.WithPageSize(pageSize),
		d365backup.WithPrefetch(2), // with more, requests on a busy machine wait for each other longer than a proxy is used
		d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: 100 * time.Millisecond, MaxDelay: time.Second, AttemptTimeout: 5 * time.Second}),
		d365backup.WithTimeout(20*time.Second),
		d365backup.WithLogger(c.logger()),
	)
	return client, transport, err
}

// warmUp makes one sweep, to create what is created once and kept.
func (s *service) warmUp() error {
	var none counts
	client, transport, err := s.client(nil, &none)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	return s.sweep(context.Background(), client, len(s.ids))
}

// Package proxy runs Toxiproxy within the process, between a client and a server on loopback. What is
// wrong with a proxy is set when it is made; to change it, make another.
package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// Toxic is what is wrong with a connection. Type and Attributes are those of Toxiproxy's API.
type Toxic struct {
	Type       string
	Upstream   bool // it is in the way of requests, not of answers
	Attributes map[string]any
	Toxicity   float64 // the part of connections that it meets; 0: all
}

// Proxy hands connections on to a server. It begins stopped.
type Proxy struct {
	inner *toxiproxy.Proxy
	gone  chan struct{} // closed when no more data matters
}

// New makes a proxy before the server at target (host and port) whose every connection has these toxics.
func New(target string, poison ...Toxic) (*Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &Proxy{
		inner: toxiproxy.NewProxy(server, "proxy", "127.0.0.1:0", target),
		gone:  make(chan struct{}),
	}
	all := []Toxic{{}, {Upstream: true}} // a guard for each direction
	for _, toxic := range poison {
		all = append(all, toxic, Toxic{Upstream: toxic.Upstream})
	}
	for i, toxic := range all {
		if err := p.add(fmt.Sprint(i), toxic); err != nil {
			return nil, fmt.Errorf("toxic %s: %w", toxic.Type, err)
		}
	}
	return p, nil
}

// add adds a toxic to the end of its direction's chain; one without a type becomes a guard.
func (p *Proxy) add(name string, toxic Toxic) error {
	stream, isGuard := "downstream", toxic.Type == ""
	if toxic.Upstream {
		stream = "upstream"
	}
	if isGuard {
		toxic.Type = "noop"
	}
	if toxic.Toxicity == 0 {
		toxic.Toxicity = 1
	}
	text, err := json.Marshal(map[string]any{
		"name": name, "type": toxic.Type, "stream": stream, "attributes": toxic.Attributes, "toxicity": toxic.Toxicity,
	})
	if err != nil {
		return err
	}
	added, err := p.inner.Toxics.AddToxicJson(bytes.NewReader(text))
	if err == nil && isGuard {
		added.Toxic = guard{p.gone}
	}
	return err
}

// guard hands data on. A toxic that ends a connection leaves what comes after it unread, and so does a
// reader that has left; Toxiproxy's goroutines then wait for ever to hand it on. Those before a guard wait
// until the proxy is closed.
type guard struct {
	gone <-chan struct{}
}

// Pipe runs until the data ends, or the proxy is closed.
func (g guard) Pipe(stub *toxics.ToxicStub) {
	for chunk := range stub.Input {
		select {
		case stub.Output <- chunk:
		case <-g.gone:
		}
	}
	stub.Close()
}

// Start listens on a free port of loopback; after Stop, on the same one as before.
func (p *Proxy) Start() error { return p.inner.Start() }

// Stop cuts all connections and refuses new ones.
func (p *Proxy) Stop() { p.inner.Stop() }

// Addr returns host and port, which are known from the first Start on.
func (p *Proxy) Addr() string { return p.inner.Listen }

// Close stops the proxy for good. Its goroutines end soon after, as far as its toxics' delays allow.
func (p *Proxy) Close() {
	p.Stop()
	close(p.gone)
}

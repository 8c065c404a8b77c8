// Package proxy runs Toxiproxy in this process, between a client and a server on loopback. The toxics of a proxy are
// set when it is created; to change them, create another.
package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// Toxic is a fault of connections. Type and Attributes are those of Toxiproxy's API.
type Toxic struct {
	Type       string
	Upstream   bool // affects requests, not responses
	Attributes map[string]any
	Toxicity   float64 // the fraction of connections that it affects; 0: all
}

// Proxy forwards connections to a server. It is created stopped.
type Proxy struct {
	inner  *toxiproxy.Proxy
	closed chan struct{} // closed when no more data matters
}

// New creates a proxy in front of the server at target (host and port) with these toxics.
func New(target string, faults ...Toxic) (*Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &Proxy{
		inner:  toxiproxy.NewProxy(server, "proxy", "127.0.0.1:0", target),
		closed: make(chan struct{}),
	}
	all := []Toxic{{}, {Upstream: true}} // a guard for each direction
	for _, toxic := range faults {
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
		added.Toxic = guard{p.closed}
	}
	return err
}

// guard forwards data, and drops it after the proxy has been closed. Without a guard, the goroutines of Toxiproxy block
// forever if a toxic that ended the connection, or a reader that disconnected, no longer reads their data.
type guard struct {
	closed <-chan struct{}
}

// Pipe runs until the data ends, or the proxy is closed.
func (g guard) Pipe(stub *toxics.ToxicStub) {
	for chunk := range stub.Input {
		select {
		case stub.Output <- chunk:
		case <-g.closed:
		}
	}
	stub.Close()
}

// Start listens on a free port of loopback; after Stop, on the same one as before.
func (p *Proxy) Start() error { return p.inner.Start() }

// Stop cuts all connections and refuses new ones.
func (p *Proxy) Stop() { p.inner.Stop() }

// Addr returns host and port, which are known after the first Start.
func (p *Proxy) Addr() string { return p.inner.Listen }

// Close stops the proxy for good. Its goroutines end soon after, as far as its toxics' delays allow.
func (p *Proxy) Close() {
	p.Stop()
	close(p.closed)
}

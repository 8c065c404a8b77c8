package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"github.com/d365backup/d365backup/test/faults/proxy"
)

// lane is a route to the service through a proxy. Every few seconds another proxy replaces it, and its connections
// are cut.
type lane struct {
	target  string
	choice  *rand.Rand
	counts  *counts
	down    bool
	proxy   *proxy.Proxy
	address atomic.Pointer[string]
}

func (s *service) openLane(choice *rand.Rand, c *counts) (*lane, error) {
	l := &lane{target: s.host(), choice: choice, counts: c}
	return l, l.change()
}

// dial connects through whichever proxy the lane has now.
func (l *lane) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, *l.address.Load())
}

// keepChanging changes the proxy until the channel is closed.
func (l *lane) keepChanging(ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(l.proxyLifetime()):
		}
		if err := l.change(); err != nil {
			l.counts.violation(err)
			return
		}
	}
}

// proxyLifetime chooses how long the proxy is used. One that is down is replaced soon, or sweeps would run out of
// attempts.
func (l *lane) proxyLifetime() time.Duration {
	if l.down {
		return 100*time.Millisecond + time.Duration(l.choice.Int64N(int64(400*time.Millisecond)))
	}
	return 2*time.Second + time.Duration(l.choice.Int64N(int64(6*time.Second)))
}

// change replaces the proxy: one in six has no toxic, one in six is down.
func (l *lane) change() error {
	var toxics []proxy.Toxic
	state := l.choice.IntN(6)
	if state > 1 {
		for range 1 + l.choice.IntN(2) {
			toxics = append(toxics, l.toxic())
		}
	}
	next, err := proxy.New(l.target, toxics...)
	if err == nil {
		err = next.Start()
	}
	if err != nil {
		return fmt.Errorf("a proxy with %v: %w", toxics, err)
	}
	for _, toxic := range toxics {
		l.counts.add("toxics", toxic.Type)
	}
	l.down = state == 1
	switch state {
	case 0:
		l.counts.add("toxics", "none")
	case 1:
		l.counts.add("toxics", "proxy down")
		next.Stop()
	}
	address, before := next.Addr(), l.proxy
	l.address.Store(&address)
	l.proxy = next
	if before != nil {
		before.Close()
	}
	return nil
}

func (l *lane) close() { l.proxy.Close() }

// toxic chooses a toxic for some of the connections.
func (l *lane) toxic() proxy.Toxic {
	draw := func(least, most int) int { return least + l.choice.IntN(most-least) }
	all := []proxy.Toxic{
		{Type: "latency", Attributes: map[string]any{"latency": draw(1, 200), "jitter": draw(0, 50)}},
		{Type: "bandwidth", Attributes: map[string]any{"rate": draw(10, 200)}},
		{Type: "slow_close", Attributes: map[string]any{"delay": draw(0, 300)}},
		{Type: "timeout", Attributes: map[string]any{"timeout": draw(0, 2) * draw(1, 500)}},
		{Type: "reset_peer", Attributes: map[string]any{"timeout": draw(0, 200)}},
		{Type: "slicer", Attributes: map[string]any{"average_size": draw(64, 1024), "size_variation": 32, "delay": draw(0, 100)}},
		{Type: "limit_data", Attributes: map[string]any{"bytes": draw(50, 30000)}},
	}
	toxic := all[l.choice.IntN(len(all))]
	toxic.Upstream = l.choice.IntN(3) == 0
	toxic.Toxicity = 0.02 + 0.2*l.choice.Float64()
	return toxic
}

// Command soak runs the client for minutes through faults that change: 64 goroutines sweep over the sandbox's
// jobs through proxies with random toxics, while tokens expire and are revoked. Every sweep must
// be complete or return an error, and memory and goroutines must return to where they started. Build it with
// the race detector, as "make soak" does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

const (
	lanes      = 4 // routes to the service, each with its own toxics
	clients    = 8
	goroutines = 64
	// patience is how long to wait for everything that a sweep or a toxic started to end.
	patience = time.Minute
)

func main() {
	length := flag.Duration("for", 10*time.Minute, "how long to run")
	seed := flag.Uint64("seed", rand.Uint64(), "seed for choosing toxics; which connections they affect is still random")
	flag.Parse()
	time.AfterFunc(*length+2*patience, func() {
		debug.SetTraceback("all")
		panic("soak: timed out")
	})
	if err := run(*length, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(length time.Duration, seed uint64) error {
	fmt.Printf("seed %d, %s, %d goroutines with %d clients on %d routes with toxics\n", seed, length, goroutines, clients, lanes)
	s, err := startService()
	if err != nil {
		return err
	}
	started := runtime.NumGoroutine()
	if err := s.warmUp(); err != nil {
		return errors.Join(err, s.Close())
	}
	var c counts
	before := settle(started)
	err = s.soak(length, seed, &c)
	after := settle(before.goroutines)
	c.print(os.Stdout)
	fmt.Printf("tokens: %d requests arrived, all tokens were revoked %d times\n", s.tokenRequests.Load(), s.revoked.Load())
	fmt.Printf("before: %s\nafter:  %s\n", before, after)
	return errors.Join(err, c.verdict(), before.verdict(after), s.Close())
}

// soak runs all goroutines for the given time.
func (s *service) soak(length time.Duration, seed uint64, c *counts) error {
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	source := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
	var routes []*lane
	for i := range lanes {
		route, err := s.openLane(source(uint64(i)), c)
		if err != nil {
			return err
		}
		routes = append(routes, route)
	}
	var changing, sweeping sync.WaitGroup
	for i := range clients {
		client, transport, err := s.client(routes[i%lanes], c)
		if err != nil {
			return err
		}
		defer transport.CloseIdleConnections()
		for j := range goroutines / clients {
			choice := source(uint64(lanes + i*goroutines + j))
			sweeping.Go(func() { s.keepSweeping(ctx, client, choice, c) })
		}
	}
	ended := make(chan struct{})
	for _, route := range routes {
		changing.Go(func() { route.keepChanging(ended) })
	}
	changing.Go(func() { s.keepRevoking(ended, source(lanes*goroutines*clients)) })
	sweeping.Wait()
	close(ended)
	changing.Wait()
	for _, route := range routes {
		route.close()
	}
	return nil
}

// footprint is what the process holds while nothing runs.
type footprint struct {
	goroutines int
	heap       uint64
}

// settle waits, up to patience, until no more than wanted goroutines are left, and measures the footprint.
func settle(wanted int) (f footprint) {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		f.goroutines = runtime.NumGoroutine()
		if f.goroutines <= wanted || time.Now().After(deadline) {
			break
		}
	}
	runtime.GC()
	runtime.GC() // pools keep their content during the first one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap = m.HeapAlloc
	return f
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %.1f MiB of memory held", f.goroutines, float64(f.heap)/(1<<20))
}

// maxGrowth is how much more memory may be held after the soak than before it. The runtime keeps half a
// kilobyte for each goroutine of the highest number that ran at a time, so some 2 MiB are expected.
const maxGrowth = 4 << 20

func (f footprint) verdict(after footprint) error {
	var problems []error
	if after.goroutines > f.goroutines {
		stacks := make([]byte, 1<<20)
		problems = append(problems, fmt.Errorf("%d goroutines are left:\n%s",
			after.goroutines-f.goroutines, stacks[:runtime.Stack(stacks, true)]))
	}
	if after.heap > f.heap+maxGrowth {
		problems = append(problems, fmt.Errorf("%d bytes more are held than before; the limit is %d", after.heap-f.heap, maxGrowth))
	}
	return errors.Join(problems...)
}

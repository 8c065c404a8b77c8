// Command soak runs the client for minutes through faults that change: 64 goroutines sweep over the sandbox's
// jobs through proxies with random toxics, while tokens expire and are revoked. Every sweep has to be
// complete or to say why it is not, and memory and goroutines have to end where they began. It is meant
// to be built with the race detector, as "make soak" does.
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
	lanes      = 4 // ways to the service, each with toxics of its own
	clients    = 8
	goroutines = 64
	// Until everything has ended that a sweep or a toxic may have begun.
	patience = time.Minute
)

func main() {
	length := flag.Duration("for", 10*time.Minute, "how long to run")
	seed := flag.Uint64("seed", rand.Uint64(), "what the choice of toxics begins with; which connection meets them is chance")
	flag.Parse()
	time.AfterFunc(*length+2*patience, func() {
		debug.SetTraceback("all")
		panic("soak: it hangs")
	})
	if err := run(*length, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(length time.Duration, seed uint64) error {
	fmt.Printf("seed %d, %s, %d goroutines with %d clients on %d ways with toxics\n", seed, length, goroutines, clients, lanes)
	s, err := startService()
	if err != nil {
		return err
	}
	begun := runtime.NumGoroutine()
	if err := s.warmUp(); err != nil {
		return errors.Join(err, s.Close())
	}
	var c counts
	before := settle(begun)
	err = s.soak(length, seed, &c)
	after := settle(before.goroutines)
	c.print(os.Stdout)
	fmt.Printf("tokens: %d requests came through, all tokens were revoked %d times\n", s.tokenRequests.Load(), s.revoked.Load())
	fmt.Printf("before: %s\nafter:  %s\n", before, after)
	return errors.Join(err, c.verdict(), before.verdict(after), s.Close())
}

// soak runs all goroutines until the time is over.
func (s *service) soak(length time.Duration, seed uint64, c *counts) error {
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	source := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
	var ways []*lane
	for i := range lanes {
		way, err := s.openLane(source(uint64(i)), c)
		if err != nil {
			return err
		}
		ways = append(ways, way)
	}
	var changing, sweeping sync.WaitGroup
	for i := range clients {
		client, transport, err := s.client(ways[i%lanes], c)
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
	for _, way := range ways {
		changing.Go(func() { way.keepChanging(ended) })
	}
	changing.Go(func() { s.keepRevoking(ended, source(lanes*goroutines*clients)) })
	sweeping.Wait()
	close(ended)
	changing.Wait()
	for _, way := range ways {
		way.close()
	}
	return nil
}

// footprint is what is held while nothing runs.
type footprint struct {
	goroutines int
	heap       uint64
}

// settle waits until no more goroutines are left than there should be, but not for ever, and measures.
func settle(wanted int) (f footprint) {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		f.goroutines = runtime.NumGoroutine()
		if f.goroutines <= wanted || time.Now().After(deadline) {
			break
		}
	}
	runtime.GC()
	runtime.GC() // for what a pool keeps through the first one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap = m.HeapAlloc
	return f
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %.1f MiB of memory held", f.goroutines, float64(f.heap)/(1<<20))
}

// mostGrown is how much more memory may be held after the soak than before it. The runtime keeps half a
// kilobyte of every goroutine that ever ran beside the others, so that some 2 MiB are no fault.
const mostGrown = 4 << 20

func (f footprint) verdict(after footprint) error {
	var problems []error
	if after.goroutines > f.goroutines {
		stacks := make([]byte, 1<<20)
		problems = append(problems, fmt.Errorf("%d goroutines are left:\n%s",
			after.goroutines-f.goroutines, stacks[:runtime.Stack(stacks, true)]))
	}
	if after.heap > f.heap+mostGrown {
		problems = append(problems, fmt.Errorf("%d bytes more are held than before: more than %d", after.heap-f.heap, mostGrown))
	}
	return errors.Join(problems...)
}

//go:build unix

package bench

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Contestant is one of several implementations of the same work.
type Contestant struct {
	Name string
	// Do does the work once. An error fails the benchmark.
	Do func() error
	// Check, if set, checks the result of the last Do, and is not measured.
	Check func() error
}

// cost is what the work costs: nanoseconds of real and of processor time, and bytes allocated.
type cost [3]float64

// Compare lets each contestant do the work this many times in each round of the benchmark. It logs what the others cost in
// multiples of the first one's cost, as columns of a table: real time, processor time, and bytes, each as the median of all
// rounds and the range of their middle half; then the bytes. Other programs affect the processor time least.
func Compare(b *testing.B, times int, all []Contestant) {
	b.Helper()
	for _, c := range all {
		c.measure(b, 1+times/10) // fills pools
	}
	costs := make([][]cost, len(all))
	for round := 0; b.Loop(); round++ {
		for i := range all {
			i = (i + round) % len(all) // each is the first in turn
			costs[i] = append(costs[i], all[i].measure(b, times))
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, c := range all {
		var ratios strings.Builder
		for which := range costs[i][0] {
			low, median, high := middle(costs[i], func(round int) float64 { return costs[i][round][which] / costs[0][round][which] })
			fmt.Fprintf(&ratios, " | %.2f (%.2f to %.2f)", median, low, high)
		}
		_, bytes, _ := middle(costs[i], func(round int) float64 { return costs[i][round][2] })
		b.Logf("| %s%s | %.1f KiB |", c.Name, ratios.String(), bytes/1024)
	}
}

// measure returns the cost of doing the work once, on average, including that of the garbage collections during it.
func (c Contestant) measure(b *testing.B, times int) cost {
	b.Helper()
	runtime.GC()
	before := usage(b)
	for range times {
		if err := c.Do(); err != nil {
			b.Fatalf("%s: %v", c.Name, err)
		}
	}
	used := usage(b)
	for i := range used {
		used[i] = (used[i] - before[i]) / float64(times)
	}
	if c.Check != nil {
		if err := c.Check(); err != nil {
			b.Fatalf("%s: %v", c.Name, err)
		}
	}
	return used
}

// started is when this process started.
var started = time.Now()

// usage returns what this process has used so far.
func usage(b *testing.B) cost {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return cost{float64(time.Since(started)), float64(used.Utime.Nano() + used.Stime.Nano()), float64(memory.TotalAlloc)}
}

// middle returns the median of what value returns for each round, and the range of the middle half.
func middle(rounds []cost, value func(round int) float64) (low, median, high float64) {
	values := make([]float64, len(rounds))
	for round := range rounds {
		values[round] = value(round)
	}
	slices.Sort(values)
	n := len(values)
	return values[n/4], values[n/2], values[n-1-n/4]
}

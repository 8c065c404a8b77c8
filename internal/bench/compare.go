//go:build unix

package bench

import (
	"fmt"
	"runtime"
	"slices"
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
		b.Logf("| %s | %s | %s | %s | %.1f KiB |", c.Name,
			compare(costs[i], costs[0], 0), compare(costs[i], costs[0], 1), compare(costs[i], costs[0], 2), costs[i][0][2]/1024)
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

func compare(costs, first []cost, which int) string {
	ratios := make([]float64, len(costs))
	for round := range costs {
		ratios[round] = costs[round][which] / first[round][which]
	}
	slices.Sort(ratios)
	n := len(ratios)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", ratios[n/2], ratios[n/4], ratios[n-1-n/4])
}

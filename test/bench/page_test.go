//go:build unix

// Package bench compares the client with other clients of the same contract. "make bench" runs it.
package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/bench"
)

// list returns a list of ten pages of this size.
func list(size int) *bench.List { return bench.NewList(10*size, size) }

// serveSize is set for the process that runs the server, so that its memory and processor time do not count.
const serveSize = "D365BACKUP_BENCH_PAGE_SIZE"

// TestServe is that process. It runs until its standard input ends.
func TestServe(t *testing.T) {
	size, err := strconv.Atoi(os.Getenv(serveSize))
	if err != nil {
		t.Skip("BenchmarkPage runs this")
	}
	fmt.Println(bench.Serve(t, list(size), nil).URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// serve runs the server, and returns its URL.
func serve(b *testing.B, size int) string {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestServe$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", serveSize, size))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// cost is what a page costs a client: nanoseconds of real and of processor time, and bytes allocated.
type cost [3]float64

// measure reads this many pages, checks them, and returns the cost of each.
func measure(b *testing.B, c client, pages int, want []job) cost {
	b.Helper()
	var page result
	runtime.GC()
	before, started := usage(b), time.Now()
	for range pages {
		var err error
		if page, err = c.read(b.Context()); err != nil {
			b.Fatalf("%s: %v", c.name, err)
		}
		if n, last := page.size(); n != len(want) || last != want[n-1].JobID {
			b.Fatalf("%s: %d jobs, the last %s", c.name, n, last)
		}
	}
	took, after := time.Since(started), usage(b)
	got, err := page.jobs()
	if err != nil {
		b.Fatalf("%s: %v", c.name, err)
	}
	for i := range want {
		if got[i] != want[i] {
			b.Fatalf("%s: job %d is %+v, want %+v", c.name, i+1, got[i], want[i])
		}
	}
	n := float64(pages)
	return cost{float64(took) / n, (after[0] - before[0]) / n, (after[1] - before[1]) / n}
}

// usage returns the processor time and the allocated bytes of this process so far.
func usage(b *testing.B) [2]float64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return [2]float64{float64(used.Utime.Nano() + used.Stime.Nano()), float64(memory.TotalAlloc)}
}

// BenchmarkPage reads the same page from the same server on loopback with each client, in turns. It checks the number of
// jobs and the last id of each page, and all fields of the last page of a turn. It prints rows for docs/performance.md.
func BenchmarkPage(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("jobs=%d", size), func(b *testing.B) {
			var payload plainPage
			if err := json.Unmarshal(list(size).AppendPage(nil, 1), &payload); err != nil {
				b.Fatal(err)
			}
			all := clients(b, serve(b, size), size)
			pages := min(500, 20_000/size) // a turn is long enough for several garbage collections
			for _, c := range all {
				measure(b, c, pages/10, payload.Jobs) // connects, and fills pools
			}
			costs := make([][]cost, len(all))
			for round := 0; b.Loop(); round++ {
				for i := range all {
					i = (i + round) % len(all) // each client is the first in turn
					costs[i] = append(costs[i], measure(b, all[i], pages, payload.Jobs))
				}
			}
			b.ReportMetric(0, "ns/op")
			for i, c := range all {
				b.Logf("| %d | %s | %s | %s | %s | %.0f KiB |", size, c.name,
					compare(costs[i], costs[0], 0), compare(costs[i], costs[0], 1), compare(costs[i], costs[0], 2), costs[i][0][2]/1024)
			}
		})
	}
}

// compare returns how many times our cost a client has: the median of all rounds, and the range of their middle half.
func compare(costs, ours []cost, which int) string {
	ratios := make([]float64, len(costs))
	for round := range costs {
		ratios[round] = costs[round][which] / ours[round][which]
	}
	slices.Sort(ratios)
	n := len(ratios)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", ratios[n/2], ratios[n/4], ratios[n-1-n/4])
}

//go:build linux

package d365backup_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/test/bench"
)

// BenchmarkSweepResident compares the peak of a whole program's memory over a million jobs with that over
// 10,000: a hundred times, so that the collector goes through as many of its phases, and once.
func BenchmarkSweepResident(b *testing.B) {
	const few, many = 10_000, 1_000_000
	program := filepath.Join(b.TempDir(), "stream")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "./testdata/stream").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	ofFew := bench.Serve(b, bench.NewList(few, 100), nil)
	ofMany := bench.Serve(b, bench.NewList(many, 100), nil)
	peak := func(service *bench.Service, times int) float64 {
		out, err := exec.CommandContext(b.Context(), program, service.URL, service.URL+bench.TokenPath, strconv.Itoa(times)).Output()
		if err != nil {
			b.Fatal(err)
		}
		kib, err := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil {
			b.Fatal(err)
		}
		return float64(kib)
	}
	for b.Loop() {
		once, often, large := peak(ofFew, 1), peak(ofFew, many/few), peak(ofMany, 1)
		b.ReportMetric(large, "KiB-1M")
		b.ReportMetric(large/often, "of-10k-often")
		b.ReportMetric(large/once, "of-10k-once")
	}
	b.ReportMetric(0, "ns/op")
}

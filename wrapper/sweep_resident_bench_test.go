//go:build linux

package d365backup_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/bench"
)

// BenchmarkSweepResident measures the peak memory of a whole program that streams a million jobs.
func BenchmarkSweepResident(b *testing.B) {
	program := filepath.Join(b.TempDir(), "stream")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "./testdata/stream").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	service := bench.Serve(b, bench.NewList(1_000_000, 100), nil)
	for b.Loop() {
		out, err := exec.CommandContext(b.Context(), program, service.URL, service.URL+bench.TokenPath).Output()
		if err != nil {
			b.Fatal(err)
		}
		kib, err := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(kib)/1024, "MiB-1M")
	}
	b.ReportMetric(0, "ns/op")
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkStart builds the command as for a release, and starts it: "help" writes the help of the command, and "sandbox" reads
// the jobs of a sandbox, which includes the contract and a token.
func BenchmarkStart(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "d365backup")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	for name, args := range map[string][]string{"help": {"--help"}, "sandbox": {"jobs", "--sandbox"}} {
		b.Run(name, func(b *testing.B) {
			var processor time.Duration
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), binary, args...)
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
				processor += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}
			b.ReportMetric(processor.Seconds()*1000/float64(b.N), "cpu-ms")
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms")
			b.ReportMetric(float64(info.Size())/(1<<20), "MiB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

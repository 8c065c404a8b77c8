//go:build unix

// Package bench compares the client with other clients of the same contract. "make bench" runs it.
package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/bench"
)

// list returns a list of ten pages of this size.
func list(size int) *bench.List { return bench.NewList(10*size, size) }

// serveSize is set for the process that runs the server, so that its memory and processor time do not count.
const serveSize = "BENCH_PAGE_SIZE"

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

// BenchmarkPage reads the same page from the same server on loopback with each client. It checks the number of jobs and the
// last id of each page, and all jobs of the last page of a turn.
func BenchmarkPage(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("jobs=%d", size), func(b *testing.B) {
			var payload plainPage
			if err := json.Unmarshal(list(size).AppendPage(nil, 1), &payload); err != nil {
				b.Fatal(err)
			}
			url := serve(b, size)
			var all []bench.Contestant
			for _, c := range clients(b, url, size) {
				all = append(all, contestant(b.Context(), c, payload.Jobs))
			}
			least := newByHand(b, url, size, discard)
			all = append(all, bench.Contestant{Name: "net/http, nothing decoded", Do: func() error {
				_, err := least(b.Context())
				return err
			}})
			bench.Compare(b, min(500, 20_000/size), all) // long enough for several garbage collections
		})
	}
}

func contestant(ctx context.Context, c client, want []job) bench.Contestant {
	var page result
	read := func() (err error) {
		if page, err = c.read(ctx); err != nil {
			return err
		}
		if n, last := page.size(); n != len(want) || last != want[n-1].JobID {
			return fmt.Errorf("%d jobs, the last %s", n, last)
		}
		return nil
	}
	check := func() error {
		got, err := page.jobs()
		if err != nil {
			return err
		}
		for i := range want {
			if got[i] != want[i] {
				return fmt.Errorf("job %d is %+v, want %+v", i+1, got[i], want[i])
			}
		}
		return nil
	}
	return bench.Contestant{Name: c.name, Do: read, Check: check}
}

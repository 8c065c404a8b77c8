//go:build linux && !race

package d365backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestBodiesShareABudget: a program whose requests all get an endless body needs at most 100 MiB more than an idle one. The
// test runs itself as that program, but not under the race detector, which needs additional memory.
func TestBodiesShareABudget(t *testing.T) {
	if protocol := os.Getenv("D365BACKUP_TEST_ENDLESS"); protocol != "" {
		readEndless(t, protocol == "HTTP2")
		return
	}
	for _, protocol := range protocols {
		t.Run(protocol.name, func(t *testing.T) {
			program := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestBodiesShareABudget$")
			program.Env = append(os.Environ(), "D365BACKUP_TEST_ENDLESS="+protocol.name)
			out, err := program.Output()
			match := regexp.MustCompile(`idle (\d+) KiB, peak (\d+) KiB`).FindSubmatch(out)
			if err != nil || match == nil {
				t.Fatalf("%v: %s", err, out)
			}
			idle, _ := strconv.Atoi(string(match[1]))
			peak, _ := strconv.Atoi(string(match[2]))
			if more := (peak - idle) >> 10; more > 100 {
				t.Errorf("%d MiB more than idle", more)
			} else {
				t.Logf("%d MiB more than idle", more)
			}
		})
	}
}

func readEndless(t *testing.T, http2 bool) {
	junk := bytes.Repeat([]byte(" "), 64<<10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	}))
	server.EnableHTTP2 = http2
	server.StartTLS()
	defer server.Close()
	transport := d365backup.NewTransport()
	transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	defer transport.CloseIdleConnections()
	client := newClient(t, server.URL, transport)
	debug.FreeOSMemory()
	idle := status(t, "VmRSS")
	var group sync.WaitGroup
	for range 24 { // of which 16 are in flight at a time
		group.Go(func() {
			if _, err := client.Page(t.Context(), valid, 1); !errors.Is(err, d365backup.ErrTooLarge) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	fmt.Printf("idle %d KiB, peak %d KiB\n", idle, status(t, "VmHWM"))
}

// status returns a value of /proc/self/status, in KiB.
func status(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if match == nil {
		t.Fatalf("no %s in %s", name, text)
	}
	value, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

//go:build interop

// Package prometheus runs deploy/ with Debian's prometheus and promtool, which it needs in the PATH.
package prometheus

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// deploy is the folder that is tested.
const deploy = "../../../deploy"

var exporterProgram string

// TestMain builds the program by the command of deploy/Dockerfile.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "d365backup")
	if err != nil {
		panic(err)
	}
	exporterProgram = filepath.Join(folder, "d365backup")
	code := 1
	if err := buildAsDockerfile(exporterProgram); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else if code = m.Run(); code == 0 {
		http.DefaultClient.CloseIdleConnections()
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// buildAsDockerfile runs the build command of deploy/Dockerfile, with another path for the result.
func buildAsDockerfile(program string) error {
	text, err := os.ReadFile(filepath.Join(deploy, "Dockerfile"))
	if err != nil {
		return err
	}
	command := regexp.MustCompile(`(?m)^RUN (.*go build .*) -o /d365backup (.*)$`).FindSubmatch(text)
	if command == nil {
		return fmt.Errorf("deploy/Dockerfile: no command builds /d365backup")
	}
	build := exec.Command("sh", "-c", fmt.Sprintf("%s -o %q %s", command[1], program, command[2]))
	build.Dir = filepath.Join(deploy, "..")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", build, err, output)
	}
	return nil
}

// program is a server that a test has started.
type program struct {
	t       *testing.T
	command *exec.Cmd
	url     string
	log     log
	ended   chan struct{}
	err     error // set when ended is closed
}

// log is the end of the output of a program.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var listening = regexp.MustCompile(`msg="Listening on" address=(127\.0\.0\.1:\d+)`)

// start runs a server that logs its address, until the end of the test. It must stop without an error.
func start(t *testing.T, command *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, command: command, ended: make(chan struct{})}
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("%v; the interop tests need Debian's package prometheus", err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			p.log.add(lines.Text())
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		p.err = command.Wait()
	}()
	t.Cleanup(p.stop)
	select {
	case a := <-address:
		p.url = "http://" + a
	case <-p.ended:
	case <-time.After(time.Minute):
	}
	if p.url == "" {
		t.Fatalf("%s does not listen:\n%s", command, &p.log)
	}
	return p
}

// stop ends the program. It may be called again.
func (p *program) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		_ = p.command.Process.Kill()
		<-p.ended
	}
	if p.err != nil {
		p.t.Errorf("%s: %v\n%s", p.command, p.err, &p.log)
	}
}

// address returns the host and the port.
func (p *program) address() string { return strings.TrimPrefix(p.url, "http://") }

// get returns the body of a response with status 200.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return body, err
}

// api reads data from the API of a Prometheus server.
func (p *program) api(path string, data any) error {
	body, err := get(p.t.Context(), p.url+"/api/v1/"+path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, &struct{ Data any }{data})
}

// eventually tries until there is no error.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			t.Logf("%s after %s", what, time.Since(began).Round(100*time.Millisecond))
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

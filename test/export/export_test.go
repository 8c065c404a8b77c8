package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/cli"
	"github.com/d365backup/d365backup/sandbox"
	"github.com/d365backup/d365backup/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("EXPORT_TEST_RUN") != "" {
		os.Exit(cli.Main())
	}
	if url := os.Getenv("EXPORT_TEST_GENERATED"); url != "" {
		if err := readGenerated(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tenant is a sandbox whose jobs change, and an export of it to one file.
type tenant struct {
	*testing.T
	random   *rand.Rand
	service  *sandbox.Server
	requests atomic.Int64  // for jobs
	asked    chan struct{} // receives at the first request of a run
	jobs     []sandbox.Job
	folder   string
	format   string
}

func newTenant(t *testing.T, format string) *tenant {
	t.Helper()
	x := &tenant{T: t, random: rand.New(rand.NewPCG(20, 20)), asked: make(chan struct{}, 1), folder: t.TempDir(), format: format}
	_, x.service = sandboxtest.New(t, sandboxtest.WithHistory(), sandbox.WithFault(sandbox.Fault{Name: "count", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/OpenApi/GetJobs" {
				x.requests.Add(1)
				select {
				case x.asked <- struct{}{}:
				default:
				}
			}
			next.ServeHTTP(w, r)
		})
	}}))
	return x
}

// add adds jobs that started within the last days, some of them still in progress.
func (x *tenant) add(n, days int) {
	for range n {
		j := sandbox.Job{
			JobID: fmt.Sprintf("DCIB%09d", len(x.jobs)), Type: 1, Status: 2, Module: "Customer Engagement",
			StartTime:      time.Now().Add(-time.Duration(x.random.IntN(days*24*3600)) * time.Second),
			OrganizationID: fmt.Sprintf("69cb1ecc-f8e8-439b-8077-%012d", x.random.IntN(3)), OrganizationName: "A \"quoted\",\nbroken name",
		}
		x.jobs = append(x.jobs, j)
		if x.random.IntN(4) > 0 {
			x.finish(len(x.jobs) - 1)
		}
	}
	x.service.Put(x.jobs[len(x.jobs)-n:]...)
}

func (x *tenant) finish(i int) {
	j := &x.jobs[i]
	j.Status, j.FinishTime = 3+x.random.IntN(2), time.Now()
	j.TotalRecord, j.BackupSize = x.random.Int64N(1e9), x.random.Int64N(1e12)
}

// change adds jobs, and finishes some of those in progress.
func (x *tenant) change() {
	for i, j := range x.jobs {
		if j.Status == 2 && x.random.IntN(5) == 0 {
			x.finish(i)
			x.service.Put(x.jobs[i])
		}
	}
	x.add(1+x.random.IntN(20), 1)
}

func (x *tenant) path(name string) string { return filepath.Join(x.folder, name) }
func (x *tenant) output() string          { return x.path("jobs." + x.format) }

// command returns a run that appends to the output. The shell runs it after a preparation such as "ulimit -f 8;".
func (x *tenant) command(preparation string) *exec.Cmd {
	x.Helper()
	executable, err := os.Executable()
	if err != nil {
		x.Fatal(err)
	}
	cmd := exec.CommandContext(x.Context(), "sh", "-c", preparation+` exec "$@" >> "$OUTPUT"`, "sh", executable,
		"jobs", "--since", "20d", "--since-last", x.path("state.json"), "-o", x.format, "--page-size", "20")
	cmd.Env = append(os.Environ(), "EXPORT_TEST_RUN=1", "OUTPUT="+x.output(), "HOME="+x.folder,
		"D365BACKUP_BASE_URL="+x.service.URL(), "D365BACKUP_TOKEN_URL="+x.service.TokenURL(),
		"D365BACKUP_CLIENT_ID="+x.service.ClientID(), "D365BACKUP_CLIENT_SECRET="+x.service.ClientSecret())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	return cmd
}

// complete runs once, undisturbed, and then compares the output with the service's list.
func (x *tenant) complete() {
	x.Helper()
	cmd := x.command("")
	if err := cmd.Run(); err != nil {
		x.Fatalf("%v: %s", err, cmd.Stderr)
	}
	x.compare()
}

// compare fails unless the last line of each job that the service has is the job as it is now.
func (x *tenant) compare() {
	x.Helper()
	text, err := os.ReadFile(x.output())
	if err != nil {
		x.Fatal(err)
	}
	written := parseNDJSON
	if x.format == "csv" {
		written = parseCSV
	}
	lines, err := written(text)
	if err != nil {
		x.Fatalf("the output is damaged: %v", err)
	}
	last := make(map[string]string)
	for _, line := range lines {
		last[line["jobId"]] = line["status"] + " " + line["totalRecord"]
	}
	words := map[int]string{2: "InProgress", 3: "Finished", 4: "Failed"}
	for _, j := range x.service.Jobs(sandbox.Filter{}) {
		if want := fmt.Sprint(words[j.Status], " ", j.TotalRecord); last[j.JobID] != want {
			x.Fatalf("job %s of %s: %q, want %q", j.JobID, j.StartTime, last[j.JobID], want)
		}
	}
}

func parseNDJSON(text []byte) (lines []map[string]string, err error) {
	for line := range bytes.Lines(text) {
		var j struct {
			JobID       string `json:"jobId"`
			Status      string `json:"status"`
			TotalRecord int64  `json:"totalRecord"`
		}
		if err := json.Unmarshal(line, &j); err != nil {
			return nil, fmt.Errorf("%w: %q", err, line)
		}
		lines = append(lines, map[string]string{"jobId": j.JobID, "status": j.Status, "totalRecord": fmt.Sprint(j.TotalRecord)})
	}
	return lines, nil
}

func parseCSV(text []byte) (lines []map[string]string, err error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("%d rows: %w", len(rows), err)
	}
	for _, row := range rows[1:] {
		line := make(map[string]string)
		for i, name := range rows[0] {
			line[name] = row[i]
		}
		if line["jobId"] == "jobId" {
			return nil, errors.New("a second header")
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// TestKilled kills runs at 200 random points while they request, read, write and save. What a killed run has written may come
// again, and nothing is missing or damaged.
func TestKilled(t *testing.T) {
	for _, format := range []string{"ndjson", "csv"} {
		t.Run(format, func(t *testing.T) {
			x := newTenant(t, format)
			for killed := 0; killed < 100; {
				x.add(200, 15)
				_ = os.Remove(x.path("state.json"))
				_ = os.Remove(x.output())
				for range 20 {
					x.change()
					if x.kill() {
						killed++
					} else {
						x.compare()
					}
				}
				x.change()
				x.complete()
			}
		})
	}
}

// state returns the state file, or nothing.
func (x *tenant) state() string {
	text, err := os.ReadFile(x.path("state.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		x.Fatal(err)
	}
	return string(text)
}

// kill starts a run and kills it a random time after its first request for jobs. It reports whether the run had not ended.
func (x *tenant) kill() bool {
	x.Helper()
	select {
	case <-x.asked: // by an earlier run
	default:
	}
	limit := 10 * time.Millisecond // of a run with few jobs
	if x.state() == "" {
		limit = 60 * time.Millisecond
	}
	cmd := x.command("")
	if err := cmd.Start(); err != nil {
		x.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-x.asked:
	case err := <-ended:
		x.Fatalf("a run ended without a request: %v: %s", err, cmd.Stderr)
	}
	select {
	case <-time.After(time.Duration(x.random.Int64N(int64(limit)))):
		_ = cmd.Process.Kill()
		return <-ended != nil
	case err := <-ended:
		if err != nil {
			x.Fatalf("%v: %s", err, cmd.Stderr)
		}
		return false
	}
}

// TestFileSizeLimit ends runs by a limit on the size of files, which cuts lines off like a full disk.
func TestFileSizeLimit(t *testing.T) {
	for _, format := range []string{"ndjson", "csv"} {
		t.Run(format, func(t *testing.T) {
			x := newTenant(t, format)
			x.add(300, 15)
			failed := 0
			for range 30 {
				x.change()
				blocks := 1 // of 512 bytes
				if info, err := os.Stat(x.output()); err == nil {
					blocks += int(info.Size() / 512)
				}
				blocks += x.random.IntN(40)
				if err := x.command(fmt.Sprintf("ulimit -f %d;", blocks)).Run(); err != nil {
					failed++
				}
			}
			if failed == 0 {
				t.Error("no run has reached the limit")
			}
			x.complete()
		})
	}
}

// TestFullDisk runs on a full disk, and again when there is room.
func TestFullDisk(t *testing.T) {
	x := newTenant(t, "ndjson")
	x.folder = t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", x.folder).CombinedOutput(); err != nil {
		t.Skipf("this user cannot mount: %s", out)
	}
	defer func() {
		if out, err := exec.Command("umount", x.folder).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}()
	x.add(300, 15)
	for range 3 {
		cmd := x.command("")
		if err := cmd.Run(); err == nil || !strings.Contains(fmt.Sprint(cmd.Stderr), "no space left on device") {
			t.Fatalf("%v: %s", err, cmd.Stderr)
		}
		if state := x.state(); state != "" {
			t.Fatalf("a state was saved: %s", state)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "remount,size=8m", x.folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	x.complete()
}

// TestBrokenPipe ends the reader of a pipe at random points. A run does not save the state then.
func TestBrokenPipe(t *testing.T) {
	x := newTenant(t, "ndjson")
	x.add(600, 15)
	for range 30 {
		cmd := x.command("")
		cmd.Args[2] = fmt.Sprintf(`exec "$@" | head -c %d > "$OUTPUT"`, x.random.IntN(100_000))
		if err := cmd.Run(); err != nil { // of head
			t.Fatal(err)
		}
		if message := fmt.Sprint(cmd.Stderr); !strings.Contains(message, "the reader of the output is gone; the state file is unchanged") {
			t.Fatalf("message %q", message)
		}
		if state := x.state(); state != "" {
			t.Fatalf("a state was saved: %s", state)
		}
	}
	x.complete()
}

// TestRequests: a run over a tenant without changes takes 1 to 3 requests for jobs if the jobs of two days fit into a page.
func TestRequests(t *testing.T) {
	for jobs, want := range map[int]int64{0: 1, 19: 1, 20: 3, 21: 4} { // the page size is 20
		x := newTenant(t, "ndjson")
		x.add(jobs, 1)
		x.complete()
		before := x.requests.Load()
		x.complete()
		if got := x.requests.Load() - before; got != want {
			t.Errorf("%d requests for %d jobs, want %d", got, jobs, want)
		}
	}
}

package command_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/command"
	"github.com/d365backup/d365backup/sandbox"
)

func TestJobsFormats(t *testing.T) {
	server, env := serve(t, sandbox.WithJobs(0))
	server.Put(fewJobs()...)
	tests := []struct {
		golden string
		args   []string
	}{
		{"table.golden", nil},
		{"json.golden", []string{"-o", "json"}},
		{"ndjson.golden", []string{"-o", "ndjson"}},
		{"csv.golden", []string{"-o", "csv"}},
		{"sorted.golden", []string{"--sort", "-failedRecord,startTime", "--limit", "3"}},
		{"columns.golden", []string{"--columns", "jobId, organizationId,finishtime,skippedEntity"}},
		{"columns_csv.golden", []string{"--columns", "jobId,backupSize", "-o", "csv"}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			got := run(t, env, append(append([]string{"jobs"}, dayFlags...), tt.args...)...)
			if got.code != 0 || got.stderr != "" {
				t.Errorf("code %d, stderr %q", got.code, got.stderr)
			}
			golden(t, tt.golden, got.stdout)
		})
	}
}

func TestJobsNone(t *testing.T) {
	_, env := serve(t, sandbox.WithJobs(0))
	header := "module,type,jobId,startTime,finishTime,durationHours,status,successfulEntity,failedEntity,skippedEntity," +
		"warningEntity,totalEntity,successfulRecord,failedRecord,skippedRecord,warningRecord,totalRecord,backupSize," +
		"organizationId,organizationName\n"
	for format, want := range map[string]string{
		"table":  "0 jobs from 2026-11-01 00:00 to 2026-11-02 00:00 UTC\n",
		"json":   "[]\n",
		"ndjson": "",
		"csv":    header,
	} {
		got := run(t, env, append([]string{"jobs", "-o", format}, dayFlags...)...)
		if got != (result{0, want, ""}) {
			t.Errorf("%s: got %+v, want %q", format, got, want)
		}
	}
}

func TestJobsCount(t *testing.T) {
	server, env := serve(t)
	got := run(t, env, "jobs", "--since", "8760h", "-o", "ndjson")
	start := time.Now().Add(-8760 * time.Hour)
	want := server.Count(sandbox.Filter{Start: start})
	if lines := strings.Count(got.stdout, "\n"); lines != want || want < 1000 {
		t.Errorf("%d lines, the sandbox counts %d; stderr %s", lines, want, got.stderr)
	}
	for line := range strings.Lines(got.stdout) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("no JSON: %s", line)
		}
	}
}

func TestJobsFilters(t *testing.T) {
	server, env := serve(t, sandbox.WithJobs(0))
	server.Put(fewJobs()...)
	tests := []struct {
		args []string
		want string // the last two digits of the ids
	}{
		{nil, "04 03 02 01"},
		{[]string{"--type", "backup"}, "02 01"},
		{[]string{"--type", "audit-backup"}, "03"},
		{[]string{"--status", "Failed"}, "02"},
		{[]string{"--status", "finished with exception"}, "03"},
		{[]string{"--org", service}, "04 02"},
		{[]string{"--object-type", "0"}, "04 03 02 01"},
		{[]string{"--limit", "2"}, "04 03"},
		{[]string{"--limit", "0"}, "04 03 02 01"},
		{[]string{"--page-size", "1"}, "04 03 02 01"},
		{[]string{"--sort", "jobId"}, "03 01 02 04"},
		{[]string{"--start", "2026-11-01 04:00", "--end", "2026-11-01T06:00:00+01:00"}, "02"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			args := append(append([]string{"jobs", "-o", "csv", "--columns", "jobId"}, dayFlags...), tt.args...)
			got := run(t, env, args...)
			records, err := csv.NewReader(strings.NewReader(got.stdout)).ReadAll()
			if err != nil || got.code != 0 {
				t.Fatalf("%v; code %d; %s", err, got.code, got.stderr)
			}
			var ids []string
			for _, r := range records[1:] {
				ids = append(ids, r[0][len(r[0])-2:])
			}
			if ids := strings.Join(ids, " "); ids != tt.want {
				t.Errorf("got %s, want %s", ids, tt.want)
			}
		})
	}
}

// TestJobsAPI: the setting chooses the operations that are requested. If version v1 is gone, the error names
// the flag, or a note recommends the setting.
func TestJobsAPI(t *testing.T) {
	const (
		v1, graph = "POST /api/OpenApi/GetJobs", "GET /dynamicsbackup/jobs"
		note      = "d365backup: version v1 was not found and its successor is used: set api: graph in the profile, or give --api graph\n"
	)
	for name, test := range map[string]struct {
		env, args []string
		want      []string
		code      int
		stderr    string
	}{
		"default":              {nil, nil, []string{graph, v1}, 0, note},
		"auto":                 {nil, []string{"--api", "auto"}, []string{graph, v1}, 0, note},
		"object type":          {nil, []string{"--object-type", "1"}, []string{v1}, 1, "/api/OpenApi/GetJobs"},
		"v1":                   {nil, []string{"--api", "v1"}, []string{v1}, 1, "try --api graph"},
		"graph by flag":        {nil, []string{"--api", "graph"}, []string{graph}, 0, ""},
		"graph by environment": {[]string{"D365BACKUP_API=graph"}, nil, []string{graph}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var asked sync.Map
			record := sandbox.Fault{Name: "record", Middleware: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked.Store(r.Method+" "+r.URL.Path, true)
					next.ServeHTTP(w, r)
				})
			}}
			// A service each: page 2 is asked for along with page 1, and may arrive after the command's end.
			server, env := serve(t, sandbox.WithFault(record, sandbox.V1Replaced()))
			got := run(t, append(env, test.env...), append([]string{"jobs"}, test.args...)...)
			if got.code != test.code || got.code == 0 && got.stderr != test.stderr {
				t.Errorf("code %d, stderr %s", got.code, got.stderr)
			}
			if got.code == 1 && !strings.Contains(got.stderr, test.stderr) {
				t.Errorf("stderr %s", got.stderr)
			}
			asked.Delete("POST " + strings.TrimPrefix(server.TokenURL(), server.URL()))
			var paths []string
			asked.Range(func(path, _ any) bool {
				paths = append(paths, path.(string))
				return true
			})
			if slices.Sort(paths); !slices.Equal(paths, test.want) {
				t.Errorf("asked %q, want %q", paths, test.want)
			}
		})
	}
}

func TestJobsSandbox(t *testing.T) {
	got := run(t, nil, "jobs", "--sandbox", "--utc")
	if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, "DCIB") || !strings.Contains(got.stdout, " jobs from ") {
		t.Errorf("got %+v", got)
	}
}

// TestBadInput: each is refused with code 2 and a message that says what to do, and nothing is sent.
func TestBadInput(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request was sent: %s", r.URL)
	}))
	t.Cleanup(service.Close)
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	write(t, open, "loopback", 0o644)
	empty := filepath.Join(dir, "empty")
	write(t, empty, "\n", 0o600)

	const secret = "s3cr3t-value"
	base := []string{"BASE_URL=" + service.URL, "TOKEN_URL=" + service.URL, "CLIENT_ID=id", "CLIENT_SECRET=" + secret}
	without := func(name string, more ...string) (env []string) {
		for _, v := range base {
			if !strings.HasPrefix(v, name+"=") {
				env = append(env, v)
			}
		}
		return append(env, more...)
	}
	tests := map[string]struct {
		env  []string
		args []string
		want string
	}{
		"unknown type":       {base, []string{"--type", "Bakup"}, `"Bakup" does not exist: use one of All, Backup, Restore, DryRun, Retention, AuditBackup, Export`},
		"unknown status":     {base, []string{"--status", "5"}, `"5" does not exist: use one of Any, InProgress, Finished, Failed, FinishedWithException`},
		"no GUID":            {base, []string{"--org", "Contoso"}, `--org "Contoso": not a GUID: write it like 69cb1ecc-`},
		"GUID in braces":     {base, []string{"--org", "{69cb1ecc-f8e8-439b-8077-a4b7fd45e87f}"}, "not a GUID"},
		"start after end":    {base, []string{"--start", "2026-11-02", "--end", "2026-11-01", "--utc"}, "--start 2026-11-02T00:00:00Z is not before --end 2026-11-01T00:00:00Z: "},
		"start after now":    {base, []string{"--start", "9000-01-01", "--utc"}, "--start 9000-01-01T00:00:00Z is not before the present"},
		"no start":           {base, []string{"--end", "2026-11-01"}, "the start time is missing: give --start"},
		"start without time": {base, []string{"--start", "yesterday"}, `--start "yesterday" is no time: write it like 2026-11-01`},
		"empty start":        {base, []string{"--start", ""}, "--start is empty"},
		"since and start":    {base, []string{"--start", "2026-11-01", "--since", "1h"}, "--since and --start are both given: choose one"},
		"since":              {base, []string{"--since", "1month"}, "write a time such as 90m, 24h, 7d or 1d12h"},
		"since too long":     {base, []string{"--since", "999999999w"}, "write a time such as"},
		"page size":          {base, []string{"--page-size", "0"}, `--page-size "0": use a number from 1 to 2147483647`},
		"object type":        {base, []string{"--object-type", "x"}, `--object-type "x": not a whole number`},
		"limit":              {base, []string{"--limit", "-1"}, "--limit -1 makes no sense: use 1 or more"},
		"format":             {base, []string{"-o", "xml"}, `format "xml" does not exist: use one of table, json, ndjson, csv`},
		"columns":            {base, []string{"--columns", "size"}, `--columns: field "size" does not exist: use some of module, type,`},
		"columns of JSON":    {base, []string{"--columns", "type", "-o", "ndjson"}, "--columns is for table and csv"},
		"sort":               {base, []string{"--sort", "-size"}, `--sort: field "size" does not exist`},
		"follow JSON":        {base, []string{"--follow", "-o", "json"}, "use -o ndjson"},
		"follow and sort":    {base, []string{"--follow", "--sort", "type"}, "leave --sort out"},
		"follow and end":     {base, []string{"--follow", "--start", "2026-11-01", "--end", "2026-11-02"}, "leave --end out"},
		"interval":           {base, []string{"--follow", "--interval", "10ms"}, "--interval 10ms is too short: use 1s or more"},
		"interval alone":     {base, []string{"--interval", "10m"}, "--interval is for --follow"},
		"unknown flag":       {base, []string{"--form", "x"}, "there is no flag --form"},
		"unknown letter":     {base, []string{"-z"}, "there is no flag -z"},
		"secret, one hyphen": {base, []string{"-client-secret=" + secret}, "there is no --client-secret, because other users can see flags"},
		"name, one hyphen":   {base, []string{"-clientsecret=" + secret}, "there is no flag -c: a name of several letters takes two hyphens"},
		"no name":            {base, []string{"--=" + secret}, "a flag has no name"},
		"no value":           {base, []string{"--page-size"}, "--page-size needs a value"},
		"yes or no":          {base, []string{"--utc=maybe"}, `--utc "maybe": use true or false`},
		"list":               {base, []string{"--columns", `type,"status`}, "not a list: separate names by commas"},
		"argument":           {base, []string{"Failed"}, `"Failed" is not expected: 'd365backup jobs' takes flags only`},
		"secret as a flag":   {base, []string{"--client-secret", "x"}, "there is no --client-secret, because other users can see flags: give --client-secret-file or D365BACKUP_CLIENT_SECRET"},
		"no data centre":     {without("BASE_URL"), nil, "no data center: give --data-center, D365BACKUP_DATA_CENTER, or data_center in a profile"},
		"unknown centre":     {without("BASE_URL"), []string{"--data-center", "mars"}, `--data-center: data center "mars" does not exist: use one of au, sg,`},
		"no token URL":       {without("TOKEN_URL"), nil, "no token URL: give --token-url, D365BACKUP_TOKEN_URL"},
		"no client id":       {without("CLIENT_ID"), nil, "no client id: give --client-id, D365BACKUP_CLIENT_ID"},
		"nothing at all":     {nil, nil, "give --data-center, D365BACKUP_DATA_CENTER, or data_center in a profile; --sandbox needs none; no client id: give"},
		"limit, word":        {base, []string{"--limit", "ten"}, `--limit "ten": not a whole number`},
		"large limit":        {base, []string{"--limit", "99999999999999999999"}, `out of range`},
		"empty range":        {base, []string{"--start", "2026-11-02", "--end", "2026-11-02"}, "is not before --end"},
		"password as a flag": {base, []string{"--certificate-password", "x"}, "give --certificate-password-file or D365BACKUP_CERTIFICATE_PASSWORD"},
		"no secret":          {without("CLIENT_SECRET"), nil, "no client secret: give --client-secret-file, D365BACKUP_CLIENT_SECRET_FILE"},
		"empty secret":       {without("CLIENT_SECRET", "CLIENT_SECRET="), nil, "no client secret"},
		"two secrets":        {append(base[:4:4], "CLIENT_SECRET_FILE="+open), nil, "both D365BACKUP_CLIENT_SECRET and D365BACKUP_CLIENT_SECRET_FILE are given: choose one"},
		"two credentials":    {append(base[:4:4], "CERTIFICATE="+open), nil, "both D365BACKUP_CLIENT_SECRET and D365BACKUP_CERTIFICATE are given"},
		"two places":         {append(base[:4:4], "DATA_CENTER=us"), nil, "both D365BACKUP_DATA_CENTER and D365BACKUP_BASE_URL are given"},
		"no secret file":     {without("CLIENT_SECRET", "CLIENT_SECRET_FILE="+open+"s"), nil, "D365BACKUP_CLIENT_SECRET_FILE: open "},
		"empty secret file":  {without("CLIENT_SECRET", "CLIENT_SECRET_FILE="+empty), nil, "is empty"},
		"API":                {append(base[:4:4], "API=v2"), nil, `D365BACKUP_API: API "v2" does not exist: use auto, v1 or graph`},
		"API of a sandbox":   {base, []string{"--sandbox", "--api", "v2"}, `--api: API "v2" does not exist`},
		"object type, graph": {base, []string{"--api", "graph", "--object-type", "1"}, "--object-type"},
		"plain http":         {without("BASE_URL", "BASE_URL=http://example.com"), nil, "plain http"},
		"URL":                {without("BASE_URL", "BASE_URL=example.com"), nil, "D365BACKUP_BASE_URL: not an absolute URL: write it like https://host/path"},
		"certificate":        {without("CLIENT_SECRET", "CERTIFICATE="+empty), nil, "D365BACKUP_CERTIFICATE: "},
		"unknown profile":    {base, []string{"--profile", "prod"}, `there is no profile "prod"`},
		"sandbox and place":  {base, []string{"--sandbox", "--data-center", "us"}, "--sandbox and --data-center are both given"},
	}
	if runtime.GOOS != "windows" {
		tests["open secret file"] = struct {
			env  []string
			args []string
			want string
		}{without("CLIENT_SECRET", "CLIENT_SECRET_FILE="+open), nil, "others can read it (mode 0644): run chmod 600 " + open}
		tests["open certificate"] = struct {
			env  []string
			args []string
			want string
		}{without("CLIENT_SECRET", "CERTIFICATE="+open), nil, "others can read it (mode 0644): run chmod 600 " + open}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var env []string
			for _, v := range tt.env {
				env = append(env, "D365BACKUP_"+v)
			}
			got := run(t, append(env, "HOME="+dir), append([]string{"jobs"}, tt.args...)...)
			if got.code != 2 || got.stdout != "" {
				t.Errorf("code %d, stdout %q", got.code, got.stdout)
			}
			if !strings.Contains(got.stderr, tt.want) || !strings.HasPrefix(got.stderr, "d365backup: ") ||
				!strings.HasSuffix(got.stderr, "See 'd365backup jobs --help'.\n") {
				t.Errorf("got %s, want %s", got.stderr, tt.want)
			}
			for _, wrong := range []string{secret, "WithD", "WithB", "WithT", "WithC", "WithP", "WithM", "Query.", "strconv", "arg(s)", "parse error", "shorthand", "d365backup: d365backup", "invalid configuration"} {
				if strings.Contains(got.stderr, wrong) {
					t.Errorf("it says %q: %s", wrong, got.stderr)
				}
			}
		})
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// TestFailures: what the service refuses is code 1, with a message in the words of the command.
func TestFailures(t *testing.T) {
	tests := map[string]struct {
		fault sandbox.Fault
		want  string
	}{
		"permission":   {sandbox.MissingPermission(), "permission denied: the app may not read jobs"},
		"data centre":  {sandbox.WrongDataCenter(), "check D365BACKUP_BASE_URL, or run 'd365backup doctor'"},
		"secret":       {sandbox.ExpiredSecret(), "authentication failed: "},
		"login page":   {sandbox.LoginPage(), "response is no job list"},
		"empty object": {sandbox.EmptyObject(), "response is no job list"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server, env := serve(t, sandbox.WithFault(tt.fault))
			for _, format := range []string{"table", "json", "ndjson", "csv"} {
				got := run(t, env, "jobs", "-o", format)
				if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, tt.want) {
					t.Errorf("%s: got %+v, want %s", format, got, tt.want)
				}
				if strings.Contains(got.stderr, server.ClientSecret()) || strings.Contains(got.stderr, "WithD") {
					t.Errorf("it says too much: %s", got.stderr)
				}
			}
		})
	}
}

// TestBrokenOff: the second page fails. What was read is written, and nothing takes it for the whole.
func TestBrokenOff(t *testing.T) {
	second := sandbox.Fault{Name: "second page", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if bytes.Contains(body, []byte(`"currentPage":2`)) {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}}
	server, env := serve(t, sandbox.WithJobs(0), sandbox.WithFault(second))
	server.Put(fewJobs()...)
	for _, format := range []string{"table", "json", "ndjson", "csv"} {
		got := run(t, env, append([]string{"jobs", "--page-size", "2", "-o", format}, dayFlags...)...)
		if got.code != 1 || !strings.Contains(got.stdout, "DCRS2026110106000012345604") ||
			strings.Contains(got.stdout, "DCIB2026110103000012345601") || !strings.Contains(got.stderr, "permission denied") {
			t.Errorf("%s: got %+v", format, got)
		}
		if strings.Contains(got.stdout, " jobs from ") || json.Valid([]byte(got.stdout)) {
			t.Errorf("%s looks whole: %s", format, got.stdout)
		}
	}
}

// TestFirstLineEarly: the first job is written as soon as its page is there, not when the next one is.
func TestFirstLineEarly(t *testing.T) {
	for _, format := range []string{"json", "ndjson", "csv"} {
		t.Run(format, func(t *testing.T) {
			written := make(chan struct{})
			late := sandbox.Fault{Name: "late", Middleware: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					if bytes.Contains(body, []byte(`"currentPage"`)) && !bytes.Contains(body, []byte(`"currentPage":1,`)) {
						select {
						case <-written:
						case <-r.Context().Done():
							return
						}
					}
					r.Body = io.NopCloser(bytes.NewReader(body))
					next.ServeHTTP(w, r)
				})
			}}
			server, env := serve(t, sandbox.WithJobs(0), sandbox.WithFault(late))
			server.Put(fewJobs()...)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it would wait for ever
			defer cancel()
			var stdout, stderr bytes.Buffer
			once := sync.OnceFunc(func() { close(written) })
			early := writerFunc(func(p []byte) (int, error) {
				if bytes.Contains(p, []byte("DCRS2026110106000012345604")) {
					once()
				}
				return stdout.Write(p)
			})
			args := append([]string{"jobs", "--page-size", "1", "-o", format}, dayFlags...)
			if code := command.Run(ctx, args, env, nil, early, &stderr); code != 0 || strings.Count(stdout.String(), "DC") < 4 {
				t.Errorf("code %d, %s%s", code, stdout.String(), stderr.String())
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestInterrupted(t *testing.T) {
	_, env := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	stdout := writerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	var stderr strings.Builder
	code := command.Run(ctx, []string{"jobs", "--since", "8760h", "-o", "ndjson"}, env, nil, stdout, &stderr)
	if code != 130 || stderr.String() != "d365backup: interrupted\n" {
		t.Errorf("code %d: %s", code, stderr.String())
	}
}

// TestReaderGone: a reader that has had enough, as head has, is no failure; a full disk is one.
func TestReaderGone(t *testing.T) {
	_, env := serve(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	full := writerFunc(func([]byte) (int, error) { return 0, fmt.Errorf("write: %w", syscall.ENOSPC) })
	for _, format := range []string{"table", "json", "ndjson", "csv"} {
		for name, tt := range map[string]struct {
			stdout io.Writer
			code   int
			want   string
		}{
			"gone": {w, 0, ""},
			"full": {full, 1, "d365backup: the output cannot be written: write: no space left on device\n"},
		} {
			var stderr strings.Builder
			code := command.Run(t.Context(), []string{"jobs", "-o", format}, env, nil, tt.stdout, &stderr)
			if code != tt.code || stderr.String() != tt.want {
				t.Errorf("%s, %s: code %d: %s", format, name, code, stderr.String())
			}
		}
	}
}

// TestFollow watches a sandbox over the real network: what it has, then what comes.
func TestFollow(t *testing.T) {
	server, env := serve(t, sandbox.WithJobs(0))
	started := newJob("DCIB2026110103000012345601", 0, 1, 2, sales, "Contoso Sales")
	started.StartTime = time.Now().Add(-time.Hour).UTC()
	server.Put(started)
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute) // it would follow for ever
	r, w := io.Pipe()
	exit := make(chan int)
	var stderr strings.Builder
	go func() {
		code := command.Run(ctx, []string{"jobs", "--follow", "--interval", "1s", "-o", "csv", "--columns", "status"}, env, nil, w, &stderr)
		_ = w.Close()
		exit <- code
	}()
	lines := bufio.NewScanner(r)
	next := func(want string) {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, want %q; %s", lines.Text(), want, stderr.String())
		}
	}
	next("status")
	next("InProgress")
	done := ended(started, 0.5, 1, 1, 0)
	done.Status = 3
	server.Put(done)
	next("Finished")
	interrupt()
	if lines.Scan() {
		t.Errorf("it goes on: %q", lines.Text())
	}
	if code := <-exit; code != 0 || stderr.String() != "" {
		t.Errorf("code %d: %s", code, stderr.String())
	}
}

package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/cli"
	"github.com/d365backup/d365backup/internal/golden"
	"github.com/d365backup/d365backup/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"d365backup": func() { os.Exit(cli.Main()) }})
}

type leakChecked struct{ *testing.M }

func (m leakChecked) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScript runs testdata/script as terminal sessions. They use the commands of testscript and these:
//
//	sandbox [BEHAVIOR...]     start a sandbox, and set the environment that connects to it
//	put FILE                  put the jobs in this file into the sandbox
//	profiles NAME...          write profiles that connect to the sandbox of this script, and remove the variables that do
//	await                     wait until the sandbox has responded to a request for jobs
//	requests FILE             write which operations were requested to a file
//	exits CODE COMMAND...     run a command that must end with this exit code
//	refused COMMAND...        run a command that must be refused as a usage error, before any request
//
// In the files of put and payload, a time such as "-36h" is 36 hours ago. A BEHAVIOR is empty (no jobs), no-future (time ranges
// must end by now), payload=FILE (the response to requests for jobs), page2=STATUS, page2=never, or the name of a fault of
// package sandbox.
//
// If a file of the script is the second one of cmp, make golden writes what the command printed to it.
func TestScript(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("if a script in internal/cli/testdata/script expects what the command no longer prints: to accept what differs in a cmp, " +
				"run make golden; change other expectations in the script")
		}
	})
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: golden.Updating(),
		Deadline:      time.Now().Add(2 * time.Minute), // or a command that never ends would use the time of all tests
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each command takes a second longer with the race detector
			env.Values["service"] = &service{responded: make(chan struct{}, 1000)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox":  func(ts *testscript.TestScript, _ bool, args []string) { serviceOf(ts).start(ts, args) },
			"put":      func(ts *testscript.TestScript, _ bool, args []string) { serviceOf(ts).put(ts, args[0]) },
			"await":    func(ts *testscript.TestScript, _ bool, _ []string) { serviceOf(ts).await(ts) },
			"requests": func(ts *testscript.TestScript, _ bool, args []string) { serviceOf(ts).writeRequests(ts, args[0]) },
			"profiles": profiles,
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				code, err := strconv.Atoi(args[0])
				ts.Check(err)
				exits(ts, code, args[1:])
			},
			"refused": refused,
		},
	})
}

// profiles writes a configuration file with these profiles. One named broken has another secret. A file NAME.yaml is added to its
// profile.
func profiles(ts *testscript.TestScript, _ bool, names []string) {
	dir := ts.MkAbs(".config/d365backup")
	ts.Check(os.MkdirAll(dir, 0o700))
	file := filepath.Join(dir, "config.yaml")
	before, err := os.ReadFile(file) // of other sandboxes
	text := string(before)
	if err != nil {
		text = "profiles:\n"
	}
	for _, name := range names {
		secret := ts.Getenv("D365BACKUP_CLIENT_SECRET")
		if name == "broken" {
			secret = "another secret"
		}
		ts.Check(os.WriteFile(filepath.Join(dir, name+".secret"), []byte(secret), 0o600))
		text += fmt.Sprintf("  %s:\n    base_url: %s\n    token_url: %s\n    client_id: app\n    client_secret_file: %[1]s.secret\n", name,
			ts.Getenv("D365BACKUP_BASE_URL"), ts.Getenv("D365BACKUP_TOKEN_URL"))
		if more, err := os.ReadFile(ts.MkAbs(name + ".yaml")); err == nil {
			text += string(more)
		}
	}
	ts.Check(os.WriteFile(file, []byte(text), 0o600))
	for _, name := range []string{"BASE_URL", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"} {
		ts.Setenv("D365BACKUP_"+name, "")
	}
}

func exits(ts *testscript.TestScript, want int, args []string) {
	code := 0
	if err := ts.Exec(args[0], args[1:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// refused also checks that the message names neither secrets nor what belongs to Go programs.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	exits(ts, 2, args)
	message := ts.ReadFile("stderr")
	if ts.ReadFile("stdout") != "" || !strings.HasPrefix(message, "d365backup: ") || !strings.Contains(message, "See 'd365backup") {
		ts.Fatalf("not a usage error without output: %s", message)
	}
	words := []string{"WithD", "WithB", "WithT", "WithC", "WithP", "WithM", "Query.", "strconv", "arg(s)", "parse error", "shorthand",
		"d365backup: d365backup", "invalid configuration"}
	if secret := ts.Getenv("D365BACKUP_CLIENT_SECRET"); secret != "" {
		words = append(words, secret)
	}
	for _, word := range words {
		if strings.Contains(message, word) {
			ts.Fatalf("the message contains %q", word)
		}
	}
	if sent := serviceOf(ts).requested(); len(sent) > 0 {
		ts.Fatalf("requests were sent: %q", sent)
	}
}

// service is the sandbox of a script, and the requests that it received.
type service struct {
	responded chan struct{}

	mu       sync.Mutex
	server   *sandbox.Server
	requests map[string]bool
}

func serviceOf(ts *testscript.TestScript) *service { return ts.Value("service").(*service) }

func (s *service) start(ts *testscript.TestScript, behaviors []string) {
	options := []sandbox.Option{sandbox.WithClient("app", "canary-of-the-secret")}
	faults := []sandbox.Fault{{Name: "record", Middleware: s.record}}
	for _, behavior := range behaviors {
		name, value, _ := strings.Cut(behavior, "=")
		switch name {
		case "empty":
			options = append(options, sandbox.WithJobs(0))
		case "payload":
			faults = append(faults, onJobs(ts, "payload", 1, func(w http.ResponseWriter, _ *http.Request) {
				clear(w.Header()) // that of the sandbox has a request id, which has priority over one in the body
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, readWithTimes(ts, value))
			}))
		case "no-future":
			faults = append(faults, noFuture())
		case "page2":
			faults = append(faults, onJobs(ts, behavior, 2, func(w http.ResponseWriter, r *http.Request) {
				if value == "never" {
					<-r.Context().Done()
					return
				}
				status, _ := strconv.Atoi(value)
				w.WriteHeader(status)
			}))
		default:
			fault, ok := map[string]func() sandbox.Fault{
				"wrong-data-center": sandbox.WrongDataCenter, "missing-permission": sandbox.MissingPermission, "v1-replaced": sandbox.V1Replaced,
				"expired-secret": sandbox.ExpiredSecret, "login-page": sandbox.LoginPage, "empty-object": sandbox.EmptyObject,
			}[name]
			if !ok {
				ts.Fatalf("unknown behavior %q", behavior)
			}
			faults = append(faults, fault())
		}
	}
	server, err := sandbox.Start(append(options, sandbox.WithFault(faults...))...)
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Close()) })
	s.mu.Lock()
	s.server, s.requests = server, make(map[string]bool)
	s.mu.Unlock()
	for name, value := range map[string]string{
		"D365BACKUP_BASE_URL": server.URL(), "D365BACKUP_TOKEN_URL": server.TokenURL(),
		"D365BACKUP_CLIENT_ID": server.ClientID(), "D365BACKUP_CLIENT_SECRET": server.ClientSecret(),
	} {
		ts.Setenv(name, value)
	}
}

// record notes which operations are requested, except for tokens.
func (s *service) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		isToken := strings.HasSuffix(s.server.TokenURL(), r.URL.Path)
		if !isToken {
			s.requests[r.Method+" "+r.URL.Path+"\n"] = true
		}
		s.mu.Unlock()
		next.ServeHTTP(w, r)
		if !isToken {
			s.responded <- struct{}{}
		}
	})
}

// noFuture refuses time ranges that end after now.
func noFuture() sandbox.Fault {
	return sandbox.Fault{Name: "no-future", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			var filter struct{ EndTime time.Time }
			if json.Unmarshal(body, &filter) == nil && time.Until(filter.EndTime) > time.Minute {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}}
}

// onJobs handles requests for jobs from this page on.
func onJobs(ts *testscript.TestScript, name string, from int, handler http.HandlerFunc) sandbox.Fault {
	return sandbox.Fault{Name: name, Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				ts.Logf("%v", err)
			}
			isFirst := bytes.Contains(body, []byte(`"currentPage":1,`))
			if strings.HasSuffix(r.URL.Path, "obs") && (from == 1 || !isFirst) { // GetJobs and jobs
				handler(w, r)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}}
}

// readWithTimes reads a file in which a time such as "-36h" is 36 hours ago, and "+2h" in two hours.
func readWithTimes(ts *testscript.TestScript, file string) string {
	return regexp.MustCompile(`"[+-]\d+h"`).ReplaceAllStringFunc(ts.ReadFile(file), func(text string) string {
		age, err := time.ParseDuration(strings.Trim(text, `"`))
		ts.Check(err)
		return time.Now().Add(age).UTC().Format(`"` + time.RFC3339 + `"`)
	})
}

func (s *service) put(ts *testscript.TestScript, file string) {
	text := readWithTimes(ts, file)
	var jobs []sandbox.Job
	ts.Check(json.Unmarshal([]byte(text), &jobs))
	s.server.Put(jobs...)
}

func (s *service) await(ts *testscript.TestScript) {
	select {
	case <-s.responded:
	case <-time.After(time.Minute):
		ts.Fatalf("no request for jobs within a minute")
	}
}

func (s *service) requested() (operations []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for operation := range s.requests {
		operations = append(operations, operation)
	}
	slices.Sort(operations)
	return operations
}

func (s *service) writeRequests(ts *testscript.TestScript, file string) {
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(strings.Join(s.requested(), "")), 0o600))
}

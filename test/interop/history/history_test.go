//go:build interop

// Package history runs the recipes of docs/history.md with the real databases: PostgreSQL, SQLite and DuckDB. It needs
// Debian's packages postgresql and sqlite3, node, and the package that make test-more installs in this folder.
package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/internal/cli"
	"github.com/d365backup/d365backup/sandbox"
	"github.com/d365backup/d365backup/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "d365backup" {
		os.Exit(cli.Main())
	}
	os.Exit(m.Run())
}

// blocks returns the blocks of code in a section of the document, by language.
func blocks(t *testing.T, title string) map[string][]string {
	t.Helper()
	document, err := os.ReadFile("../../../docs/history.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(document), "\n## "+title+"\n")
	if !found {
		t.Fatalf("docs/history.md has no section %s", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	code := make(map[string][]string)
	for _, match := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		code[match[1]] = append(code[match[1]], match[2])
	}
	return code
}

// desk is a folder with the command in the path, and a sandbox whose jobs change.
type desk struct {
	*testing.T
	folder  string
	env     []string
	service *sandbox.Server
	changed []string // ids of jobs that have been replaced
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	_, service := sandboxtest.New(t)
	d := &desk{T: t, folder: t.TempDir(), service: service}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(d.path("bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(executable, d.path("bin/d365backup")); err != nil {
		t.Fatal(err)
	}
	d.env = append(os.Environ(), "PATH="+d.path("bin")+":"+os.Getenv("PATH"), "HOME="+d.folder, "TZ=UTC",
		"D365BACKUP_BASE_URL="+service.URL(), "D365BACKUP_TOKEN_URL="+service.TokenURL(),
		"D365BACKUP_CLIENT_ID="+service.ClientID(), "D365BACKUP_CLIENT_SECRET="+service.ClientSecret())
	return d
}

func (d *desk) path(name string) string { return filepath.Join(d.folder, name) }

func (d *desk) write(name, text string) {
	d.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
}

// run runs a command in the folder and returns its output.
func (d *desk) run(stdin string, args ...string) string {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = d.folder, d.env, strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		d.Fatalf("%q: %v: %s", args, err, &stderr)
	}
	return string(out)
}

// change replaces recent jobs by others with the same key, and adds some.
func (d *desk) change() {
	jobs := d.service.Jobs(sandbox.Filter{Start: time.Now().Add(-36 * time.Hour)})
	for i, j := range jobs {
		j.TotalRecord += 7
		j.Status = 7
		d.service.Put(j)
		d.changed = append(d.changed, j.JobID)
		j.JobID, j.OrganizationName = fmt.Sprint("new-", len(d.changed), "-", i), "=A \"quoted\", \\N\nbroken Ünïcode"
		j.Module = ""
		d.service.Put(j)
	}
	if len(jobs) == 0 {
		d.Fatal("no jobs to change")
	}
}

// row is what is compared of a job.
type row struct {
	JobID   string `json:"jobid"`
	Status  string `json:"status"`
	Start   string `json:"start"` // to the millisecond
	Records string `json:"records"`
	Size    string `json:"size"`
	Name    string `json:"name"`
}

// rowFields selects rows, with an expression for the start and the type of text.
const rowFields = "jobId AS jobid, status, %s AS start, CAST(totalRecord AS %s) AS records, CAST(backupSize AS %[2]s) AS size, organizationName AS name"

// expected returns the rows of the service's jobs of the last 90 days.
func (d *desk) expected() (rows []row) {
	words := map[int]string{2: "InProgress", 3: "Finished", 4: "Failed", 7: "FinishedWithException"}
	for _, j := range d.service.Jobs(sandbox.Filter{Start: time.Now().AddDate(0, 0, -90)}) {
		if j.Status == 2 {
			j.TotalRecord, j.BackupSize = 0, 0 // not sent
		}
		rows = append(rows, row{
			j.JobID, words[j.Status], j.StartTime.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05"),
			strconv.FormatInt(j.TotalRecord, 10), strconv.FormatInt(j.BackupSize, 10), j.OrganizationName,
		})
	}
	return sorted(rows)
}

func sorted(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.JobID, b.JobID) })
	return rows
}

// check compares rows, in JSON, with those of the service.
func (d *desk) check(rows string) {
	d.Helper()
	var got []row
	if err := json.Unmarshal([]byte(rows), &got); err != nil {
		d.Fatalf("%v: %s", err, rows)
	}
	if diff := cmp.Diff(d.expected(), sorted(got)); diff != "" {
		d.Fatalf("(-service +database):\n%s", diff)
	}
}

func TestSQLite(t *testing.T) {
	d, code := newDesk(t), blocks(t, "SQLite")
	d.run(code["sql"][0], "sqlite3", "jobs.db")
	d.write("load.sql", code["sql"][1])
	for range 3 {
		d.run("", "sh", "-ec", code["sh"][0])
		d.check(d.run("", "sqlite3", "-json", "jobs.db", "SELECT "+fmt.Sprintf(rowFields, "substr(startTime, 1, 19)", "TEXT")+" FROM job"))
		d.change()
	}
}

func TestPostgreSQL(t *testing.T) {
	d, code := newDesk(t), blocks(t, "PostgreSQL")
	d.startPostgreSQL()
	d.run(code["sql"][0], "psql", "-q", "-1", "-v", "ON_ERROR_STOP=1")
	d.write("load.sql", code["sql"][1])
	const query = "SELECT coalesce(json_agg(r), '[]') FROM (SELECT %s FROM job) r"
	for range 3 {
		d.run("", "sh", "-ec", code["sh"][0])
		d.check(d.run("", "psql", "-Atc", fmt.Sprintf(query, fmt.Sprintf(rowFields, `to_char(startTime AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')`, "text"))))
		if left, _ := filepath.Glob(d.path("*.csv")); len(left) > 0 {
			t.Errorf("files are left: %q", left)
		}
		d.change()
		d.run("", "sh", "-ec", "d365backup jobs --since-last state.json -o csv >> new.csv") // as if it had been killed then
		d.change()
	}

	// A file that could not be loaded is kept, and loaded first the next time.
	d.write("load.sql", "SELECT 1 / 0;")
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", code["sh"][0])
	cmd.Dir, cmd.Env = d.folder, d.env
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "division by zero") {
		t.Fatalf("%v: %s", err, out)
	}
	d.write("load.sql", code["sql"][1])
	d.run("", "sh", "-ec", code["sh"][0])
	d.check(d.run("", "psql", "-Atc", fmt.Sprintf(query, fmt.Sprintf(rowFields, `to_char(startTime AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')`, "text"))))

	success := d.run("", "psql", "-Atc", "SELECT organizationName, day, lastSuccess FROM last_success")
	want := make(map[string]bool)
	for _, j := range d.service.Jobs(sandbox.Filter{Type: 1, Status: 3, Start: time.Now().AddDate(0, 0, -90)}) {
		want[j.OrganizationID+j.Module+j.StartTime.UTC().Format(time.DateOnly)] = true
	}
	if got := strings.Count(success, "\n"); got != len(want) || got == 0 {
		t.Errorf("%d organizations and days have a success, want %d:\n%s", got, len(want), success)
	}
}

// startPostgreSQL runs a server on a socket in the folder until the end of the test, and connects psql to it.
func (d *desk) startPostgreSQL() {
	d.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		d.Fatal("Debian's package postgresql is missing; the interop tests need it")
	}
	folder, err := os.MkdirTemp("", "pg") // a short name: that of a socket is limited
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = os.RemoveAll(folder) })
	server := exec.CommandContext(d.Context(), found[len(found)-1], "-D", folder+"/data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off")
	initdb := exec.CommandContext(d.Context(), filepath.Join(filepath.Dir(found[len(found)-1]), "initdb"), "-D", folder+"/data", "-U", "postgres", "-A", "trust", "-N")
	if os.Geteuid() == 0 { // which PostgreSQL refuses
		account, err := user.Lookup("postgres")
		if err != nil {
			d.Fatal(err)
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		if err := os.Chown(folder, uid, gid); err != nil {
			d.Fatal(err)
		}
		as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		server.SysProcAttr, initdb.SysProcAttr = as, as
	}
	server.Dir, initdb.Dir = folder, folder
	if out, err := initdb.CombinedOutput(); err != nil {
		d.Fatalf("initdb: %v: %s", err, out)
	}
	log, err := server.StderrPipe()
	if err != nil {
		d.Fatal(err)
	}
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGQUIT) } // at once
	if err := server.Start(); err != nil {
		d.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			d.Log(lines.Text())
			if strings.HasSuffix(lines.Text(), "database system is ready to accept connections") {
				close(ready)
			}
		}
	}()
	d.Cleanup(func() { // after the end of the test's context has stopped it
		<-ended
		_ = server.Wait()
	})
	d.env = append(d.env, "PGHOST="+folder, "PGUSER=postgres", "PGDATABASE=postgres", "PGCONNECT_TIMEOUT=10")
	select {
	case <-ready:
	case <-ended:
		d.Fatal("the server has not started")
	}
}

func TestDuckDB(t *testing.T) {
	d, code := newDesk(t), blocks(t, "DuckDB")
	export := blocks(t, "Export incrementally")["sh"][0]
	script, err := filepath.Abs("run.mjs")
	if err != nil {
		t.Fatal(err)
	}
	d.run("", "sh", "-ec", export)
	d.run(code["sql"][0], "node", script)
	for range 3 {
		d.run("", "sh", "-ec", export)
		rows := "SELECT " + fmt.Sprintf(rowFields, "strftime(startTime, '%Y-%m-%dT%H:%M:%S')", "VARCHAR")
		d.check(d.run(rows+" FROM job", "node", script))
		d.run(strings.Replace(code["sql"][1], "contoso", "another", 1), "node", script)
		d.run(code["sql"][1], "node", script)
		d.check(d.run(rows+" FROM read_parquet('lake/tenant=contoso/*/*.parquet')", "node", script))

		var months []struct{ Tenant, Month, Jobs string }
		if err := json.Unmarshal([]byte(d.run(code["sql"][2], "node", script)), &months); err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, month := range months {
			n, _ := strconv.Atoi(month.Jobs)
			total += n
		}
		if total != 2*len(d.expected()) || len(months) < 6 {
			t.Errorf("%d jobs in %+v, want twice %d", total, months, len(d.expected()))
		}
		d.change()
	}
}

//go:build interop

// Package icinga runs the command check as Icinga and the plugin negate do. It needs the programs of Debian's packages
// icinga2-bin and monitoring-plugins-basic.
package icinga

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/d365backup/d365backup/sandbox"
)

const (
	finished = 3
	negate   = "/usr/lib/nagios/plugins/negate"
)

// setUp builds the command, and writes a configuration file with these profiles and histories below a folder.
func setUp(t *testing.T, histories map[string][]sandbox.Job) (folder, command string) {
	t.Helper()
	folder = t.TempDir()
	command = filepath.Join(folder, "d365backup")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", command, "./cmd/d365backup")
	build.Dir = "../../.." // its module
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := "profiles:\n"
	for name, jobs := range histories {
		service, err := sandbox.Start(sandbox.WithJobs(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := service.Close(); err != nil {
				t.Error(err)
			}
		})
		service.Put(jobs...)
		write(t, filepath.Join(folder, "etc", "d365backup", name+".secret"), service.ClientSecret())
		text += fmt.Sprintf("  %s:\n    base_url: %s\n    token_url: %s\n    client_id: %s\n    client_secret_file: %[1]s.secret\n",
			name, service.URL(), service.TokenURL(), service.ClientID())
	}
	write(t, filepath.Join(folder, "etc", "d365backup", "config.yaml"), text)
	return folder, command
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// backup returns a successful backup of an organization that started so long ago.
func backup(organization string, age time.Duration) sandbox.Job {
	start := time.Now().Add(-age).UTC()
	return sandbox.Job{
		JobID: "DCIB", Type: 1, Status: finished, StartTime: start, FinishTime: start.Add(time.Hour), BackupSize: 1 << 20,
		Module: "Customer Engagement", OrganizationName: organization, OrganizationID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f",
	}
}

// hostile is a name that contains what the output must not.
const hostile = "It's | a = \"b\"\n::c;d\x1b[31m"

func histories() map[string][]sandbox.Job {
	return map[string][]sandbox.Job{
		"good": {backup("Sales", 3*time.Hour)}, "early": {backup("Sales", 30*time.Hour)},
		"late": {backup(hostile, 40*time.Hour)}, "none": nil,
	}
}

// TestNegate: the plugin swaps OK and CRITICAL, also in the text, and leaves the rest.
func TestNegate(t *testing.T) {
	folder, command := setUp(t, histories())
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--profile good": {2, "BACKUP CRITICAL - 1 organization is backed up"}, "--profile late": {0, "BACKUP OK - It's"},
		"--profile early -w 24h": {1, "BACKUP WARNING - "}, "--profile none": {3, "BACKUP UNKNOWN - "}, "--bogus": {3, "BACKUP UNKNOWN - unknown flag --bogus"},
	} {
		cmd := exec.CommandContext(t.Context(), negate, append([]string{"-s", command, "check"}, strings.Fields(args)...)...)
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(folder, "etc"))
		out, err := cmd.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok || cmd.ProcessState.ExitCode() != want.code || !strings.HasPrefix(string(out), want.text) {
			t.Errorf("%s: got %v, %v, want %d: %s", args, err, exit, want.code, out)
		}
	}
}

// TestIcinga: with the configuration in docs/guide/nightly.md, Icinga understands state, text and performance data.
func TestIcinga(t *testing.T) {
	folder, command := setUp(t, histories())
	documented, err := os.ReadFile("d365backup.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("/usr/local/bin/d365backup", command, `"/etc"`, `"`+filepath.Join(folder, "etc")+`"`, "30m", "1s").Replace(string(documented))
	hosts := ""
	for name := range histories() {
		hosts += fmt.Sprintf(`object Host "%s" { check_command = "up"; vars.d365backup_profile = "%[1]s"; vars.d365backup_warning = "24h" }`+"\n", name)
	}
	write(t, filepath.Join(folder, "icinga2.conf"), text+hosts+`
object CheckCommand "up" { command = [ "true" ] }
object CheckerComponent "checker" { }
object PerfdataWriter "results" {
  service_perfdata_path = "`+folder+`/results/service"
  host_perfdata_path = "`+folder+`/results/host"
  service_temp_path = "`+folder+`/service"
  host_temp_path = "`+folder+`/host"
  rotation_interval = 1s
  service_format_template = "$host.name$\t$service.state$\t$service.output$\t$service.perfdata$"
}
`)
	start(t, folder)
	counts := "organizations=1;;;0 ok=%d;;;0 warning=%d;;;0 unknown=0;;;0 overdue=%d;;;0 missing=0;;;0 unpinned=1;;;0 "
	want := map[string]string{
		"good":  "OK\tBACKUP OK - 1 organization is backed up; 1 not pinned \t" + fmt.Sprintf(counts, 1, 0, 0) + "'Sales/Customer Engagement age'=N;86400;129600;0 'Sales/Customer Engagement size'=1048576B;;;0",
		"early": "WARNING\tBACKUP WARNING - Sales ",
		"late":  `CRITICAL	BACKUP CRITICAL - It's / a = "b" ::c;d[31m has had no successful backup`,
		"none":  "UNKNOWN\tBACKUP UNKNOWN - ",
	}
	for host, line := range results(t, folder, len(want)) {
		if !strings.HasPrefix(line, want[host]) {
			t.Errorf("%s:\ngot  %q\nwant %q", host, line, want[host])
		}
		if host == "late" && !strings.Contains(line, "'It_s / a _ _b_ __c_d[31m/Customer Engagement age'=N;86400;129600;0") {
			t.Errorf("performance data: %s", line)
		}
	}
}

// start runs Icinga until the test ends.
func start(t *testing.T, folder string) {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"daemon", "-c", filepath.Join(folder, "icinga2.conf"), "-D", "NodeName=test", "-D", "RunAsUser=" + me.Username, "-D", "RunAsGroup=" + group.Name}
	for _, name := range []string{"ConfigDir", "DataDir", "LogDir", "CacheDir", "SpoolDir", "InitRunDir", "results"} {
		dir := filepath.Join(folder, name)
		if name != "results" {
			args = append(args, "-D", name+"="+dir)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(context.Background(), "icinga2", args...) //nolint:usetesting // the clean-up ends it, with its children
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("Icinga: %s", text)
		}
	})
}

// results waits for the result of a check for each host.
func results(t *testing.T, folder string, hosts int) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	found := make(map[string]string)
	for tick := time.Tick(time.Second); len(found) < hosts; {
		select {
		case <-ctx.Done():
			t.Fatalf("results of %d of %d hosts: %q", len(found), hosts, found)
		case <-tick:
		}
		files, err := filepath.Glob(filepath.Join(folder, "results", "service*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				host, result, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				found[host] = regexp.MustCompile(`=\d+s;`).ReplaceAllString(result, "=N;")
			}
		}
	}
	return found
}

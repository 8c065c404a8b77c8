package check

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/cli/verdict"
	"github.com/d365backup/d365backup/internal/report"
)

// tenantOf returns a tenant with these organizations, which are the worst first.
func tenantOf(profile string, organizations ...health.Organization) verdict.Tenant {
	s := health.Summary{State: health.Unknown, Reason: "no organization was seen", Organizations: organizations}
	if len(organizations) > 0 {
		s.State, s.Reason = organizations[0].State, organizations[0].Reason
	}
	return verdict.Tenant{Tenant: report.Tenant{Profile: profile, Summary: s}}
}

func organization(name string, state health.State, reason string, age time.Duration) health.Organization {
	return health.Organization{ID: "id of " + name, Name: name, State: state, Reason: reason, Modules: []health.Module{{
		Name: "Sales", State: state, Reason: reason, Age: age, MaxAge: 36 * time.Hour, LastSuccess: health.Backup{Start: time.Now(), Size: 1 << 30},
	}}}
}

func TestRender(t *testing.T) {
	good := organization("Contoso", health.OK, "was backed up 3h ago", 3*time.Hour)
	late := organization("Finance", health.Overdue, "has had no successful backup for 31d", 31*24*time.Hour)
	failed := organization("Sales", health.Warning, "failed 2h ago", 20*time.Hour)
	broken := tenantOf("north")
	broken.Summary, broken.Err = health.Summary{}, errors.New("permission denied (status 403)")
	broken.Failure = broken.Err
	incomplete := tenantOf("", good)
	incomplete.Failure = errors.New("job list may be incomplete")
	unidentified := tenantOf("", good)
	unidentified.Summary.State, unidentified.Summary.Reason = health.Unknown, "2 jobs have no organization"
	unpinned := tenantOf("", good)
	unpinned.Summary.Unpinned = 1
	invented := tenantOf("", good)
	invented.Sandbox = true
	for name, tt := range map[string]struct {
		tenants []verdict.Tenant
		warnAge time.Duration
		code    int
		status  string
	}{
		"ok":              {[]verdict.Tenant{tenantOf("", good)}, 0, 0, "BACKUP OK - 1 organization is backed up"},
		"not pinned":      {[]verdict.Tenant{unpinned}, 0, 0, "BACKUP OK - 1 organization is backed up; 1 not pinned"},
		"sandbox":         {[]verdict.Tenant{invented}, 0, 0, "BACKUP OK - 1 organization is backed up; sandbox data, not from a real service"},
		"warning":         {[]verdict.Tenant{tenantOf("", failed, good)}, 0, 1, "BACKUP WARNING - 1 of 2 organizations needs attention: Sales failed 2h ago"},
		"early":           {[]verdict.Tenant{tenantOf("", good)}, 2 * time.Hour, 1, "BACKUP WARNING - Contoso was last backed up 3h ago, more than 2h"},
		"not early":       {[]verdict.Tenant{tenantOf("", good)}, 3 * time.Hour, 0, "BACKUP OK - 1 organization is backed up"},
		"early, overdue":  {[]verdict.Tenant{tenantOf("", late)}, time.Hour, 2, "BACKUP CRITICAL - Finance has had no successful backup for 31d"},
		"no organization": {[]verdict.Tenant{tenantOf("")}, 0, 3, "BACKUP UNKNOWN - no organization was seen"},
		"no tenant":       {nil, 0, 3, "BACKUP UNKNOWN - no profile was read"},
		"one has none":    {[]verdict.Tenant{tenantOf("", good), {}}, 0, 3, "BACKUP UNKNOWN - no profile was read"},
		"no state":        {[]verdict.Tenant{{}}, 0, 3, "BACKUP UNKNOWN - no profile was read"},
		"unidentified":    {[]verdict.Tenant{unidentified}, 0, 3, "BACKUP UNKNOWN - 2 jobs have no organization"},
		"incomplete":      {[]verdict.Tenant{incomplete}, 0, 3, "BACKUP UNKNOWN - job list may be incomplete"},
		"several": {
			[]verdict.Tenant{broken, tenantOf("south", late, failed, good), tenantOf("east", good)}, 0, 2, "BACKUP CRITICAL - 2 of 4 organizations and 1 profile need attention: " +
				"south: Finance has had no successful backup for 31d; north: permission denied (status 403); south: Sales failed 2h ago",
		},
		"one failed": {[]verdict.Tenant{broken, tenantOf("east", good)}, 0, 3, "BACKUP UNKNOWN - north: permission denied (status 403)"},
	} {
		code, output := render(tt.tenants, tt.warnAge, false, "")
		status, _, _ := strings.Cut(strings.TrimSuffix(output, "\n"), " | ")
		if code != tt.code || status != tt.status {
			t.Errorf("%s: got %d, %q; want %d, %q", name, code, status, tt.code, tt.status)
		}
	}
}

func TestPerformanceData(t *testing.T) {
	late := organization("It's = a|b", health.Overdue, "is late", 31*24*time.Hour)
	never := organization("New", health.Missing, "has never been backed up", -1)
	tolerated := organization("Tolerated", health.OK, "was backed up 3h ago", 3*time.Hour)
	m := &tolerated.Modules[0]
	m.TolerateExceptions, m.LastException = true, health.Backup{Start: m.LastSuccess.Start.Add(time.Hour), Size: 2}
	_, output := render([]verdict.Tenant{tenantOf("north", never, late, tolerated), tenantOf("south")}, time.Hour, false, "")
	_, data, _ := strings.Cut(output, " | ")
	const want = "organizations=3;;;0 ok=0;;;0 warning=1;;;0 unknown=0;;;0 overdue=1;;;0 missing=1;;;0 unpinned=0;;;0 " +
		"'north/It_s _ a/b/Sales age'=2678400s;3600;129600;0 'north/Tolerated/Sales age'=10800s;3600;129600;0 " +
		"'north/It_s _ a/b/Sales size'=1073741824B;;;0 'north/Tolerated/Sales size'=2B;;;0\n" // of what the age is about
	if data != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
}

// TestNoDataWithoutCompleteList: an age is not known if jobs may be missing.
func TestNoDataWithoutCompleteList(t *testing.T) {
	incomplete := tenantOf("", organization("Contoso", health.Unknown, "is late", time.Hour))
	incomplete.Failure = errors.New("job list may be incomplete")
	if _, output := render([]verdict.Tenant{incomplete}, 0, false, ""); strings.Contains(output, "age") {
		t.Error(output)
	}
}

func TestVerbose(t *testing.T) {
	late := organization("Finance", health.Overdue, "has had no\nsuccessful backup | for 31d", 31*24*time.Hour)
	expected := health.Organization{Name: "Archive", State: health.Missing, Reason: "was never seen"}
	_, output := render([]verdict.Tenant{tenantOf("", expected, late)}, 0, true, "a note\n")
	_, long, _ := strings.Cut(output, "\n")
	const want = "missing: Archive was never seen\noverdue: Finance / Sales has had no successful backup / for 31d\na note\n"
	if long != want {
		t.Errorf("got %q, want %q", long, want)
	}
}

var value = regexp.MustCompile(`^(?:'([^'=|\n]+)'|([a-z]+))=\d+(?:s|B)?;\d*;\d*;\d*;?$|^(?:'([^'=|\n]+)'|([a-z]+))=\d+(?:s|B)?;\d*;\d*;0$`)

// checkOutput checks what holds for any names and reasons.
func checkOutput(t *testing.T, output string, verbose bool) {
	t.Helper()
	line, long, _ := strings.Cut(output, "\n")
	status, data, found := strings.Cut(line, " | ")
	if len(status)+len(" | ") > maxStatus || len(data) > maxData || !found || strings.Contains(status, "|") || long != "" && !verbose || strings.Contains(long, "|") {
		t.Errorf("status of %d bytes, data of %d, long %q: %s", len(status), len(data), long, line)
	}
	if !utf8.ValidString(output) || strings.ContainsFunc(strings.ReplaceAll(output, "\n", ""), unicode.IsControl) {
		t.Errorf("control characters or invalid UTF-8: %q", output)
	}
	labels := make(map[string]bool)
	for _, text := range regexp.MustCompile(`(?:'[^']*'|[a-z]+)=\S+`).FindAllString(data, -1) {
		if !value.MatchString(text) {
			t.Errorf("invalid value %q in %s", text, data)
		}
		label, _, _ := strings.Cut(text, "=")
		if labels[label] {
			t.Errorf("the label %s is there twice: %s", label, data)
		}
		labels[label] = true
		data = strings.Replace(data, text, "", 1)
	}
	if strings.TrimSpace(data) != "" {
		t.Errorf("not performance data: %q", data)
	}
}

// TestLimits: any number of organizations with long names gives a bounded output, and the rest is counted.
func TestLimits(t *testing.T) {
	var organizations []health.Organization
	for i := range 3000 {
		o := organization(strings.Repeat("ä", 200)+fmt.Sprint(i), health.Missing, strings.Repeat("is late ", 100), time.Hour)
		organizations = append(organizations, o)
	}
	code, output := render([]verdict.Tenant{tenantOf("", organizations...)}, 0, true, "")
	checkOutput(t, output, true)
	if rest := regexp.MustCompile(`; and 2,?99\d more`); code != 2 || !rest.MatchString(output) || !strings.HasSuffix(output, "and 2500 more\n") {
		t.Errorf("code %d: %.1500s … %s", code, output, output[len(output)-200:])
	}
}

func FuzzRender(f *testing.F) {
	f.Add("Contoso", "has had no backup", "Contoso", "failed", "profile", true)
	f.Add("a'b=c|d\n", "\x1b[31m", "'", "|", "x=y", false)
	f.Add("", "", "", "", "", false)
	f.Add(strings.Repeat("é", 600), strings.Repeat("|", 2000), strings.Repeat("é", 601), "\xff\u2028", "", true)
	f.Add("x", strings.Repeat("€", 1000), "y", "z", "", false) // more bytes than characters
	f.Fuzz(func(t *testing.T, name, reason, other, otherReason, profile string, verbose bool) {
		tenant := tenantOf(profile, organization(name, health.Missing, reason, time.Hour), organization(other, health.Warning, otherReason, time.Minute))
		second := tenantOf(other)
		second.Failure = errors.New(reason)
		code, output := render([]verdict.Tenant{tenant, second}, time.Second, verbose, reason)
		if code != 2 {
			t.Errorf("code %d", code)
		}
		checkOutput(t, output, verbose)
	})
}

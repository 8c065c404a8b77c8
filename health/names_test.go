package health_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const otherID = "33333333-3333-3333-3333-333333333333"

// TestIdentity counts the organizations of jobs.
func TestIdentity(t *testing.T) {
	guid := "ABCDEF00-1111-1111-1111-111111111111"
	for _, test := range []struct {
		name string
		jobs jobs
		want []string // id, name and former names
	}{
		{"renamed", jobs{job(1, finished, org(salesID, "New")), job(2, finished, org(salesID, "Middle")), job(3, finished, org(salesID, "Old")), job(4, finished, org(salesID, "New"))},
			[]string{salesID + " New [Middle Old]"}},
		{"name of a job without a start", jobs{job(1, finished), job(2, finished, org(salesID, "Old"), undated)}, []string{salesID + " Sales [Old]"}},
		{"name missing from some jobs", jobs{job(1, finished, org(salesID, "")), job(2, finished)}, []string{salesID + " Sales []"}},
		{"GUID in any case", jobs{job(1, finished, org(guid, "Sales")), job(2, finished, org(strings.ToLower(guid), "Sales"))},
			[]string{strings.ToLower(guid) + " Sales []"}},
		{"one name, two ids", jobs{job(1, finished), job(2, finished, org(financeID, "Sales"))}, []string{salesID + " Sales []", financeID + " Sales []"}},
		{"malformed ids that differ in case", jobs{job(1, finished, org("x-1", "Sales")), job(2, finished, org("X-1", "Sales"))},
			[]string{"X-1 Sales []", "x-1 Sales []"}},
		{"without an id", jobs{job(1, finished, org("", "Sales")), job(2, finished, org(" ", "Finance"))}, []string{" Finance []", " Sales []"}},
		{"without an id, name of one", jobs{job(1, finished), job(2, finished, org("", "Sales"))}, []string{" Sales []", salesID + " Sales []"}},
		{"GUID of zeros", jobs{job(1, finished, org("00000000-0000-0000-0000-000000000000", "Sales")), job(2, finished, org("00000000-0000-0000-0000-000000000000", "Finance"))},
			[]string{" Finance []", " Sales []"}},
		{"long names with one beginning", jobs{job(1, finished, org("", strings.Repeat("x", 300)+"1")), job(1, finished, org("", strings.Repeat("x", 300)+"2"))}, make([]string, 2)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := assess(t, policy(), test.jobs...)
			var got []string
			for _, o := range s.Organizations {
				got = append(got, fmt.Sprintf("%s %s %v", o.ID, o.Name, o.FormerNames))
			}
			if slices.Sort(got); !slices.Equal(got, test.want) && (len(got) != len(test.want) || test.want[0] != "") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestTargets has what names in a policy match.
func TestTargets(t *testing.T) {
	list := jobs{
		job(50, finished, org(salesID, "Old Sales")), job(3, finished), job(40, finished, module("Finance and Operations")),
		job(4, finished, org(financeID, "Finance")), job(5, failed, org("", "Nameless")),
	}
	long := job(3, finished, org(otherID, strings.Repeat("x", 300)))
	target := func(organization, module string) health.Target {
		return health.Target{Organization: organization, Module: module}
	}
	for _, test := range []struct {
		name    string
		change  func(*health.Policy)
		want    string // states by organization and module; + for expected
		ignored int64
	}{
		{"none", func(*health.Policy) {}, "Nameless=missing/ce:missing Sales=overdue/Finance and Operations:overdue/ce:ok Finance=ok/ce:ok", 0},
		{"expected", func(p *health.Policy) {
			p.Expected = []health.Target{target(" old sales", ""), target(strings.ToUpper(financeID), "CUSTOMER engagement"), target("nameless", "")}
		}, "Nameless+=missing/ce+:missing Sales+=overdue/Finance and Operations:overdue/ce:ok Finance+=ok/ce+:ok", 0},
		{"all modules expected", func(p *health.Policy) {
			p.Expected = []health.Target{target("Sales", ce), target("Sales", "finance and operations")}
			p.Ignored = []health.Target{target("Nameless", ""), target("Finance", "")}
		}, "Sales+=overdue/Finance and Operations+:overdue/ce+:ok", 2},
		{"expected, never seen", func(p *health.Policy) {
			p.Expected = []health.Target{target("Finance", "Other"), target("gone", ""), target("Gone", ""), target(otherID, "X")}
			p.Ignored = []health.Target{target("Sales", ""), target("Nameless", "")}
		}, otherID + "+=missing/X+:missing Finance+=missing/Other+:missing/ce:ok gone+=missing", 4},
		{"ignored", func(p *health.Policy) {
			p.Ignored = []health.Target{target("SALES", "finance AND operations"), target("nameless", ""), target(financeID, ce)}
		}, "Sales=ok/ce:ok", 3},
		{"long name", func(p *health.Policy) {
			p.Ignored = []health.Target{{Organization: "sales"}, {Organization: "finance"}, {Organization: "nameless"}}
			p.Expected = []health.Target{
				{Organization: strings.Repeat("X", 300)}, {Organization: strings.Repeat("x", 237) + "…0d4e2ca9e9cbced7"}, // as it is shown
			}
		}, strings.Repeat("x", 237) + "…0d4e2ca9e9cbced7+=ok/ce+:ok", 5},
		{"overrides", func(p *health.Policy) {
			p.Overrides = []health.Override{
				{Target: target("Sales", "Finance and Operations"), MaxAge: 41 * time.Hour},
				{Target: target("sales", ""), MaxAge: 2 * time.Hour},
				{Target: target("Nameless", ""), MaxAge: 100 * 24 * time.Hour},
			}
		}, "Sales=overdue/ce:overdue/Finance and Operations:ok Nameless=unknown/ce:unknown Finance=ok/ce:ok", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := list
			if test.name == "long name" {
				all = append(slices.Clip(all), long)
			}
			s := assess(t, policy(test.change), all...)
			var got []string
			for _, o := range s.Organizations {
				text := o.Name
				if text == "" {
					text = o.ID
				}
				text = plus(text, o.Expected) + "=" + o.State.String()
				for _, m := range o.Modules {
					text += "/" + plus(strings.Replace(m.Name, ce, "ce", 1), m.Expected) + ":" + m.State.String()
				}
				got = append(got, text)
			}
			if strings.Join(got, " ") != test.want || s.IgnoredJobs != test.ignored {
				t.Errorf("%s, %d ignored\nwant %s, %d", strings.Join(got, " "), s.IgnoredJobs, test.want, test.ignored)
			}
		})
	}
}

// TestLongTarget: an override applies to what was never seen, too, even if its names are too long to be kept.
func TestLongTarget(t *testing.T) {
	target := health.Target{Organization: strings.Repeat("x", 300), Module: strings.Repeat("y", 300)}
	s := assess(t, policy(func(p *health.Policy) {
		p.Expected, p.Overrides = []health.Target{target}, []health.Override{{Target: target, MaxAge: 7 * time.Hour}}
	}))
	if len(s.Organizations) != 1 || len(s.Organizations[0].Modules) != 1 || s.Organizations[0].Modules[0].MaxAge != 7*time.Hour {
		t.Errorf("%+v", s.Organizations)
	}
}

func plus(text string, expected bool) string {
	if expected {
		return text + "+"
	}
	return text
}

// TestInvalidPolicy refuses policies. No job is read unless the organizations are needed.
func TestInvalidPolicy(t *testing.T) {
	sales := []health.Target{{Organization: "Sales"}}
	for _, test := range []struct {
		name   string
		change func(*health.Policy)
		want   string
		reads  bool
	}{
		{"no start", func(p *health.Policy) { p.Start = time.Time{} }, "Policy.Start: it is required", false},
		{"end before start", func(p *health.Policy) { p.End = p.Start }, "Policy.End: it is not after Start", false},
		{"now before start", func(p *health.Policy) { p.Start = now }, "Policy.Now: it is not after Start", false},
		{"short max age", func(p *health.Policy) { p.MaxAge = time.Second }, "Policy.MaxAge: 1s is too short: at least 1m0s", false},
		{"negative max age", func(p *health.Policy) { p.MaxAge = -1 }, "Policy.MaxAge: -1ns is too short: at least 1m0s", false},
		{"negative max running", func(p *health.Policy) { p.MaxRunning = -1 }, "Policy.MaxRunning: -1ns is negative", false},
		{"override", func(p *health.Policy) {
			p.Overrides = []health.Override{{Target: health.Target{Organization: "Sales", Module: ce}, MaxAge: 1}}
		}, "Policy.Overrides: Sales/Customer Engagement: MaxAge: 1ns is too short: at least 1m0s", false},
		{"expected without a name", expecting(" "), "Policy.Expected: an entry has no organization", false},
		{"ignored without a name", func(p *health.Policy) { p.Ignored = []health.Target{{Module: ce}} }, "Policy.Ignored: an entry has no organization", false},
		{"override without a name", func(p *health.Policy) { p.Overrides = make([]health.Override, 1) }, "Policy.Overrides: an entry has no organization", false},
		{"expected, two ids", expecting("sales"), `Policy.Expected: "sales" is the name of 2 organizations: use the id of one of them: ` + salesID + ", " + financeID, true},
		{"ignored, two ids", func(p *health.Policy) { p.Ignored = sales },
			`Policy.Ignored: "Sales" is the name of 2 organizations: use the id of one of them: ` + salesID + ", " + financeID, true},
		{"override, two ids", func(p *health.Policy) { p.Overrides = []health.Override{{Target: sales[0]}} },
			`Policy.Overrides: "Sales" is the name of 2 organizations: use the id of one of them: ` + salesID + ", " + financeID, true},
		{"expected and ignored", func(p *health.Policy) {
			p.Expected, p.Ignored = []health.Target{{Organization: salesID, Module: ce}}, []health.Target{{Organization: salesID}}
		}, `Policy.Ignored: "` + salesID + `" is also expected, as "` + salesID + `/Customer Engagement": remove one of them`, true},
		{"expected and ignored, never seen", func(p *health.Policy) {
			p.Expected, p.Ignored = []health.Target{{Organization: "x"}}, []health.Target{{Organization: "X"}}
		}, `Policy.Ignored: "X" is also expected, as "x": remove one of them`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			read := false
			_, err := health.Assess(func(yield func(d365backup.Job, error) bool) {
				read = true
				_ = yield(job(3, finished), nil) && yield(job(3, finished, org(financeID, "Sales")), nil)
			}, policy(test.change))
			own, ok := errors.AsType[*d365backup.Error](err)
			if !ok || own.Facts() != "invalid configuration: "+test.want || !errors.Is(err, d365backup.ErrConfig) || read != test.reads {
				t.Errorf("%v, jobs read: %v\nwant %s, %v", err, read, test.want, test.reads)
			}
		})
	}
}

// TestAnswer has the sentences about all organizations.
func TestAnswer(t *testing.T) {
	ok := func(n int) (list jobs) {
		for i := range n {
			list = append(list, job(3, finished, org(fmt.Sprintf("id%02d", i), fmt.Sprintf("Org %02d", i))))
		}
		return list
	}
	finance := job(31*24, finished, org(financeID, "Finance"))
	for _, test := range []struct {
		name string
		jobs jobs
		want string
	}{
		{"one", ok(1), "Org 00 is backed up"},
		{"two", ok(2), "Both organizations are backed up"},
		{"six", ok(6), "All 6 organizations are backed up"},
		{"one bad", jobs{finance}, "Finance has had no successful backup for 31 days"},
		{"one of six", append(ok(5), finance), "1 of 6 organizations needs attention: Finance has had no successful backup for 31 days"},
		{"worst first", append(ok(4), finance, job(3, running)), "2 of 6 organizations need attention: Sales has had no successful backup in the last 35 days, but " +
			"its first backup has been running since 2026-11-26 09:00 UTC; Finance has had no successful backup for 31 days"},
		{"shared name", append(ok(1), finance, job(3, finished, org(otherID, "finance"))),
			"1 of 3 organizations needs attention: Finance (" + financeID + ") has had no successful backup for 31 days"},
		{"module", append(ok(1), job(3, finished), job(50, finished, module("Operations"))),
			"1 of 2 organizations needs attention: Sales has had no successful backup for 2 days (module Operations)"},
		{"many", func() (list jobs) {
			for i := range 17 {
				list = append(list, job(50, finished, org(fmt.Sprint(i), strings.Repeat("x", 1000))))
			}
			return list
		}(), ""},
		{"control characters", jobs{job(50, finished, org(salesID, "a\nb\x1b\u202e"))}, "a b has had no successful backup for 2 days"},
		{"unknown type without an organization", append(ok(1), job(3, finished, org("", ""), ofType(newType))),
			"Org 00 is backed up; 1 backup names no organization"},
		{"without an organization", append(ok(2), job(3, finished, org("", "")), job(3, finished, org("", ""), ofType(d365backup.JobTypeRetention))),
			"Both organizations are backed up; 1 backup names no organization"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := assess(t, policy(), test.jobs...)
			if test.want == "" {
				if len(s.Reason) > 2000 || !strings.HasSuffix(s.Reason, "; and 12 more") {
					t.Errorf("%d bytes: %s", len(s.Reason), s.Reason)
				}
			} else if s.Reason != test.want {
				t.Errorf("%s\nwant %s", s.Reason, test.want)
			}
			if strings.Contains(test.name, "without") && (s.State != health.Unknown || s.UnidentifiedJobs < 1) {
				t.Errorf("%v, %d unidentified", s.State, s.UnidentifiedJobs)
			}
		})
	}
}

// TestUnpinned counts the organizations that are seen but not expected.
func TestUnpinned(t *testing.T) {
	s := assess(t, policy(expecting("Sales", "Gone")), job(3, finished), job(3, finished, org(financeID, "Finance")), job(3, finished, org("", "X")))
	if s.Unpinned != 2 {
		t.Errorf("%d unpinned", s.Unpinned)
	}
}

// TestLabels tells organizations apart that look the same.
func TestLabels(t *testing.T) {
	s := health.Summary{Organizations: []health.Organization{
		{Name: " Sales\u202e\n", ID: "1"}, {Name: "SALES"}, {Name: "Finance", ID: "2"}, {ID: "3"}, {Name: "\x1b", ID: "4"}, {},
		{Name: strings.Repeat("x", 300) + "1", ID: "5"}, {Name: strings.Repeat("x", 300) + "2", ID: "6"},
	}}
	long := strings.Repeat("x", 99) + "…"
	want := []string{"Sales (1)", "SALES (no id)", "Finance", "3", "4", "(no name)", long + " (5)", long + " (6)"}
	if diff := cmp.Diff(want, s.Labels()); diff != "" {
		t.Error(diff)
	}
}

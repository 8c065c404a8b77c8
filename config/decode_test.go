package config

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const day = 24 * time.Hour

func TestExpectations(t *testing.T) {
	targets := func(pairs ...string) (all []health.Target) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, health.Target{Organization: pairs[i], Module: pairs[i+1]})
		}
		return all
	}
	for name, tt := range map[string]struct {
		text   string
		policy health.Policy
		labels map[string]string
	}{
		"nothing":  {"a: {}", health.Policy{}, nil},
		"null":     {"a:", health.Policy{}, nil},
		"one line": {"a: {expect: [Sales, Finance]}", health.Policy{Expected: targets("Sales", "", "Finance", "")}, nil},
		"limits": {"a: {max_age: 1d12h, max_running: 90m, tolerate_exceptions: true}",
			health.Policy{MaxAge: 36 * time.Hour, MaxRunning: 90 * time.Minute, TolerateExceptions: true}, nil},
		"modules": {"a:\n    expect:\n    - Sales\n    - Finance: [CRM, Operations]\n      HR: [CRM]\n    ignore: [Test, Sales: [CRM]]",
			health.Policy{
				Expected: targets("Sales", "", "Finance", "CRM", "Finance", "Operations", "HR", "CRM"),
				Ignored:  targets("Test", "", "Sales", "CRM"),
			}, nil},
		"overrides": {"a:\n    max_age: 2d\n    organizations:\n      Finance: {max_age: 7d, modules: {CRM: {max_age: 2w, tolerate_exceptions: false}}}\n      HR: {modules: {CRM: {max_running: 1h}}}\n      Sales: {tolerate_exceptions: true}",
			health.Policy{MaxAge: 2 * day, Overrides: []health.Override{
				{Target: health.Target{Organization: "Finance"}, MaxAge: 7 * day},
				{Target: health.Target{Organization: "Finance", Module: "CRM"}, MaxAge: 14 * day, TolerateExceptions: new(false)},
				{Target: health.Target{Organization: "HR"}},
				{Target: health.Target{Organization: "HR", Module: "CRM"}, MaxRunning: time.Hour},
				{Target: health.Target{Organization: "Sales"}, TolerateExceptions: new(true)},
			}}, nil},
		"names that look like other types": {`a: {expect: [2024, 007, 0x10, 1e3, yes, true, 2026-11-01, "null", .inf], organizations: {42: {max_age: 1d}}}`,
			health.Policy{
				Expected:  targets("2024", "", "007", "", "0x10", "", "1e3", "", "yes", "", "true", "", "2026-11-01", "", "null", "", ".inf", ""),
				Overrides: []health.Override{{Target: health.Target{Organization: "42"}, MaxAge: day}},
			}, nil},
		"labels": {"a: {labels: {customer: Contoso, tier: 1, on: yes}}", health.Policy{}, map[string]string{"customer": "Contoso", "tier": "1", "on": "yes"}},
		"merged": {"b: &b {max_age: 1d, expect: &list [Sales], labels: {x: y}}\n  a: {<<: *b, max_age: 2d, ignore: [Test]}",
			health.Policy{MaxAge: 2 * day, Expected: targets("Sales", ""), Ignored: targets("Test", "")}, map[string]string{"x": "y"}},
		"alias":                                  {"b: {expect: &list [Sales], max_age: &age 1d}\n  a: {expect: *list, max_age: *age}", health.Policy{MaxAge: day, Expected: targets("Sales", "")}, nil},
		"quoted <<":                              {`a: {labels: {x: "<<"}}`, health.Policy{}, map[string]string{"x": "<<"}},
		"an organization and one of its modules": {"a: {expect: [Sales, Sales: [CRM]]}", health.Policy{Expected: targets("Sales", "", "Sales", "CRM")}, nil},
		"part of an ignored organization is not expected": {"a: {expect: [Sales], ignore: [Sales: [CRM]]}",
			health.Policy{Expected: targets("Sales", ""), Ignored: targets("Sales", "CRM")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Load(fileOf(t, "profiles:\n  "+tt.text+"\n", "--profile", "a"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.policy, p.Policy); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.labels, p.Labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

// TestInvalidProfile: what is wrong in a profile is named with its line.
func TestInvalidProfile(t *testing.T) {
	for name, tt := range map[string]struct{ profile, want string }{
		"unknown key":          {"max_ages: 1d", `:3: profile a: unknown key "max_ages": use one of data_center, base_url, `},
		"line of the key":      {"expects:\n      - Sales", `:3: profile a: unknown key "expects"`},
		"secret":               {"client_secret: hush", ":3: profile a: client_secret must not be in this file"},
		"duplicate key":        {"max_age: 1d\n    max_age: 2d", `:4: profile a: a: mapping key "max_age" already defined at line 3`},
		"all problems":         {"max_age: 1\n    max_ages: 1d", `:3: profile a: max_age "1": write a time such as 90m, 24h, 7d or 1d12h, more than 0; `},
		"the second problem":   {"max_age: 1\n    max_ages: 1d", `:4: profile a: unknown key "max_ages"`},
		"no duration":          {"max_age: soon", `:3: profile a: max_age "soon": write a time such as`},
		"negative duration":    {"max_running: -1h", `:3: profile a: max_running "-1h": write a time such as`},
		"short age":            {"organizations: {Sales: {max_age: 1s}}", ":3: profile a: max_age is too short: use at least"},
		"null duration":        {"max_age:", ":3: profile a: max_age has no value"},
		"duration in a list":   {"max_age: [1d]", ":3: profile a: max_age must be a single value"},
		"no boolean":           {"tolerate_exceptions: yes", ":3: profile a: tolerate_exceptions: use true or false"},
		"date":                 {"client_secret_expires: 31.1.2027", `:3: profile a: client_secret_expires "31.1.2027": write a date like 2027-01-31`},
		"impossible date":      {"client_secret_expires: 2027-02-31", `:3: profile a: client_secret_expires "2027-02-31": write a date`},
		"date of certificate":  {"certificate: c\n    client_secret_expires: 2027-01-31", ":4: profile a: client_secret_expires is for a client secret"},
		"no list":              {"expect: Sales, Finance", ":3: profile a: expect must be a list: write it like [one, two]"},
		"null list":            {"expect:", ":3: profile a: expect must be a list"},
		"null name":            {"expect: [~]", ":3: profile a: a name in expect has no value: write one, in quotation marks if it is the word null or ~"},
		"empty name":           {`expect: [" "]`, ":3: profile a: a name in expect is empty"},
		"two lines in a name":  {`expect: ["a\nb"]`, ":3: profile a: a name in expect is not one line of plain text"},
		"list in a list":       {"expect:\n      - [Sales]", ":4: profile a: a name in expect must be a single value"},
		"tag":                  {"expect: [!name Sales]", ":3: profile a: a name in expect has the YAML tag !name: remove it"},
		"binary":               {"client_id: !!binary aHVzaA==", ":3: profile a: client_id has the YAML tag !!binary"},
		"no modules":           {"expect:\n      - Sales: []", `:4: profile a: expect: Sales has an empty list of modules`},
		"null modules":         {"expect: [Sales: ]", ":3: profile a: the modules of Sales must be a list"},
		"twice":                {"expect:\n      - Sales\n      - sales", `:5: profile a: expect: "sales" is listed twice`},
		"module twice":         {"expect: [Sales: [CRM, crm]]", `:3: profile a: expect: "crm" of "Sales" is listed twice`},
		"contradiction":        {"expect: [Sales]\n    ignore: [SALES]", `:4: profile a: "Sales" is both expected and ignored`},
		"module of an ignored": {"expect: [Sales: [CRM]]\n    ignore: [Sales]", `:4: profile a: "CRM" of "Sales" is both expected and ignored`},
		"limit":                {"organizations: {Sales: 7d}", ":3: profile a: Sales must have keys and values: write it like Sales: {key: value}"},
		"key of organization":  {"organizations: {Sales: {expect: true}}", `:3: profile a: unknown key "expect" of Sales: use max_age, max_running, tolerate_exceptions or, for an organization, modules`},
		"key of module":        {"organizations: {Sales: {modules: {CRM: {modules: {}}}}}", `:3: profile a: unknown key "modules" of CRM: use`},
		"organization twice":   {"organizations: {Sales: {max_age: 1d}, SALES: {max_age: 2d}}", `:3: profile a: organizations: "SALES" is listed twice`},
		"label":                {"labels: {customer-name: x}", `:3: profile a: invalid label "customer-name": use letters, digits and _`},
		"internal label":       {"labels: {__address__: x}", `:3: profile a: invalid label "__address__"`},
		"label of metrics":     {"labels: {organization_id: x}", `:3: profile a: the label "organization_id" is used by the metrics themselves`},
		"null label":           {"labels: {customer: }", ":3: profile a: the label customer has no value"},
		"list of labels":       {"labels: [a]", ":3: profile a: labels must have keys and values"},
		"endless merge":        {"&a\n    <<: *a", ":2: profile a: a: anchor 'a' value contains itself"},
		"merged text":          {"<<: us", ":3: profile a: a: map merge requires map or sequence of maps as the value"},
		"null as a key":        {"organizations: {~: {max_age: 1d}}", ":3: profile a: a key of organizations has no value"},
		"list as a key":        {"organizations: {[a]: {max_age: 1d}}", ":3: profile a: organizations: cannot unmarshal !!seq into string"},
		"two spellings":        {"data_center: us\n    data_centre: de", ":4: profile a: both data_center and data_centre are given"},
		"many":                 {strings.Repeat("max_age: 1d\n    ", 3) + strings.Repeat("x: y\n    ", 99), ":4: profile a:"},
	} {
		t.Run(name, func(t *testing.T) {
			source := fileOf(t, "profiles:\n  a:\n    "+tt.profile+"\n  b: {max_age: 1d}\n", "--profile", "a,b")
			if name == "endless merge" {
				source = fileOf(t, "profiles:\n  a: "+tt.profile+"\n  b: {max_age: 1d}\n", "--profile", "a,b")
			}
			profiles, err := LoadAll(source)
			if err != nil {
				t.Fatal(err)
			}
			_, err = profiles[0].Client()
			if err == nil || !strings.Contains(err.Error(), "config.yaml"+tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if !errors.Is(err, d365backup.ErrConfig) {
				t.Errorf("%v is no ErrConfig", err)
			}
			if n := strings.Count(err.Error(), "; "); n >= maxProblems {
				t.Errorf("%d problems", n+1)
			}
			if profiles[1].Policy.MaxAge != day || profiles[1].err != nil {
				t.Errorf("the other profile: %+v, %v", profiles[1].Policy, profiles[1].err)
			}
			source.Profile = "b"
			if _, err := Load(source); err == nil || !strings.Contains(err.Error(), "profile a: ") {
				t.Errorf("Load of another profile: %v", err)
			}
		})
	}
}

// TestInvalidFile: what is wrong with the file as a whole is an error of Load and LoadAll, with its line.
func TestInvalidFile(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no mapping":         {"us", ":1: the configuration file must have keys and values"},
		"unknown key":        {"# x\nprofile: a", `:2: unknown key "profile": use default and profiles`},
		"profiles in a list": {"profiles: [a]", ":1: profiles must have keys and values"},
		"duplicate profile":  {"profiles:\n  a: {}\n  b: {}\n  a: {}", `:4: profiles: mapping key "a" already defined at line 2`},
		"all":                {"profiles:\n  all: {}", `:2: invalid name of a profile "all": the word selects all profiles`},
		"comma":              {"profiles:\n  \"a,b\": {}", `:2: invalid name of a profile "a,b": a comma separates several names`},
		"spaces":             {"profiles:\n  \" a\": {}", `:2: invalid name of a profile " a": remove the spaces around it`},
		"second document":    {"profiles: {}\n---\nprofiles: {}", ":2: a second document begins"},
		"syntax":             {"profiles:\n  a: {\n", ":2: invalid YAML: "},
		"syntax, later":      {"profiles:\n  a: {}\n  b: {}\n\tc: {}", ":4: invalid YAML: found character that cannot start any token"},
		"syntax, earlier":    {"profiles:\n  a: {x: [y\n\n\n  b: {}\n\n\n", ":2: invalid YAML: "},
		"too long":           {strings.Repeat("#", maxFile+1), " is longer than 16 MiB"},
		"control character":  {"profiles:\n  a: {}\n  b: \x01\n  c: {}", ":3: invalid YAML: control characters are not allowed"},
		"not UTF-8":          {"profiles:\n  a: \xff\n  b: {}\n", ":2: invalid YAML: "},
		"unknown anchor":     {"profiles:\n  a:\n    client_id: *hush\n", ":3: invalid YAML: a value begins with *"},
	} {
		t.Run(name, func(t *testing.T) {
			source := fileOf(t, tt.text)
			_, err := Load(source)
			if err == nil || !strings.Contains(err.Error(), "config.yaml"+tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			source.Profile = All
			if _, again := LoadAll(source); again == nil || err == nil || again.Error() != err.Error() || !errors.Is(err, d365backup.ErrConfig) {
				t.Errorf("LoadAll: %v", again)
			}
		})
	}
}

// TestEmptyFile: a file without content, or with keys that have no values, has no profiles.
func TestEmptyFile(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "default:\nprofiles:\n", "profiles: {}"} {
		if p, err := Load(fileOf(t, text)); err != nil || p.Name != "" {
			t.Errorf("%q: got %q, %v", text, p.Name, err)
		}
	}
}

// FuzzFile: no file makes Load panic, and each error about it names a line. A file that is read gives a client or an error.
func FuzzFile(f *testing.F) {
	f.Add(configText)
	f.Add("profiles:\n  a: &a\n    expect: [Sales, Finance: [CRM]]\n    ignore: [Test]\n    labels: {x: y}\n    max_age: 1d\n  b: {<<: *a, organizations: {F: {max_age: 7d, modules: {C: {max_running: 1h}}}}, client_secret_expires: 2027-01-31}\n")
	f.Add("a: &a [*a]\n---\n? {x: !t y}\n: z\n%YAML 1.2\n\xff")
	named := regexp.MustCompile(`^config\.yaml:[1-9][0-9]*: `)
	f.Fuzz(func(t *testing.T, text string) {
		read := file{path: "config.yaml"}
		err := read.decode([]byte(text))
		for _, e := range read.entries {
			if e.err != nil && !named.MatchString(e.err.Error()) {
				t.Errorf("%q: %v", text, e.err)
			}
			if err == nil && (e.name == "" || e.name == All) {
				t.Errorf("%q has a profile %q", text, e.name)
			}
		}
		if err != nil && !named.MatchString(err.Error()) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

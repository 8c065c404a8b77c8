package orgs

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/health"
)

const (
	id1 = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"
	id2 = "2f8a6d10-94c3-4b7b-8d52-6e0f3c1a7b95"
)

func TestPins(t *testing.T) {
	for name, tt := range map[string]struct {
		organizations []health.Organization
		want          string
	}{
		"none":                 {nil, ""},
		"name":                 {[]health.Organization{{ID: id1, Name: "Contoso Sales"}, {ID: id2, Name: "Finance"}}, "- Contoso Sales\n- Finance\n"},
		"one module":           {[]health.Organization{{ID: id1, Name: "Sales", Modules: []health.Module{{Name: "CE"}}}}, "- Sales\n"},
		"several modules":      {[]health.Organization{{ID: id1, Name: "Sales", Modules: []health.Module{{Name: "CE"}, {Name: "a, b"}}}}, "- Sales: [CE, \"a, b\"]\n"},
		"an unnamed one":       {[]health.Organization{{ID: id1, Name: "Sales", Modules: []health.Module{{Name: "CE"}, {}}}}, "- Sales: [CE]\n"},
		"unnamed ones":         {[]health.Organization{{ID: id1, Name: "Sales", Modules: []health.Module{{}, {Name: "\x1b"}}}}, "- Sales\n"},
		"in two cases":         {[]health.Organization{{ID: id1, Name: "Sales", Modules: []health.Module{{Name: "ce"}, {Name: "X"}, {Name: "CE"}}}}, "- Sales: [X, ce]\n"},
		"no ids, in two cases": {[]health.Organization{{Name: "Sales"}, {Name: "sales"}}, "- Sales\n"},
		"two ids": {
			[]health.Organization{{ID: id1, Name: "Sales"}, {ID: id2, Name: "sales"}}, "- " + id2 + "  # sales\n- " + id1 + "  # Sales\n",
		},
		"former name": {[]health.Organization{{ID: id1, Name: "Sales"}, {ID: id2, Name: "EU", FormerNames: []string{"Sales"}}}, "- EU\n- " + id1 + "  # Sales\n"},
		"no name":     {[]health.Organization{{ID: id1}, {ID: "not a GUID: 7"}}, "- " + id1 + "\n- \"not a GUID: 7\"\n"},
		"no id":       {[]health.Organization{{Name: "Sales"}, {}}, "# \"\" has no id and a name that cannot be written here\n- Sales\n"},
		"control characters": {
			[]health.Organization{{ID: id1, Name: "a\nb", Modules: []health.Module{{Name: "CE"}, {Name: "\x1b"}}}}, "- " + id1 + ": [CE]  # a b\n",
		},
		"words of YAML": {
			[]health.Organization{{Name: "true"}, {Name: "12"}, {Name: "a: b"}, {Name: "#1"}, {Name: " x "}, {Name: "b\u202e"}},
			"- \"#1\"\n- \"12\"\n- \"a: b\"\n- \"b\\u202e\"\n- \"true\"\n- \" x \"\n",
		},
	} {
		got := strings.ReplaceAll(strings.TrimPrefix(pins(tt.organizations), "    expect:\n"), "      ", "")
		if got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, tt.want)
		}
	}
}

// FuzzPins: the configuration file takes every name and module from the lines.
func FuzzPins(f *testing.F) {
	for _, name := range []string{"Sales", "~", "yes", "1e3", "0x1F", "2026-11-26", "a # b", "- a", "a:", "ä ö", "\x7f\x1b", "\u2028", "😀", "<<", "\ufeff", "a  "} {
		f.Add(name, "module, [x]")
	}
	home := f.TempDir()
	file := filepath.Join(home, "d365backup", "config.yaml")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, module string) {
		name, module = strings.ToValidUTF8(name, ""), strings.ToValidUTF8(module, "")
		if strings.TrimSpace(name) == "" || strings.TrimSpace(module) == "" || len(name+module) > 200 {
			t.Skip()
		}
		other := name + "2"
		text := pins([]health.Organization{{ID: id1, Name: name}, {ID: id2, Name: other, Modules: []health.Module{{Name: module}, {Name: module + "2"}}}})
		if err := os.WriteFile(file, []byte("profiles:\n  main:\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		profile, err := config.Load(config.Source{Profile: "main", Getenv: func(name string) string {
			return map[string]string{"XDG_CONFIG_HOME": home}[name]
		}})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !usable(name) {
			name, other = id1, id2
		}
		want := []health.Target{{Organization: name}, {Organization: other, Module: module}, {Organization: other, Module: module + "2"}}
		if !usable(module) {
			want = []health.Target{{Organization: name}, {Organization: other}}
		}
		byText := func(a, b health.Target) int {
			return cmp.Or(strings.Compare(a.Organization, b.Organization), strings.Compare(a.Module, b.Module))
		}
		slices.SortFunc(want, byText)
		slices.SortFunc(profile.Policy.Expected, byText)
		if diff := gocmp.Diff(want, profile.Policy.Expected); diff != "" {
			t.Errorf("%s\n%s", diff, text)
		}
	})
}

//go:build gate

// Package released has the released contracts, one file per version, and the gate that compares openapi.yaml with
// them. It has no other Go code. The gate needs the tools of tools.mod, so only make check-breaking runs its test.
package released

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var version = regexp.MustCompile(`(?m)^  version: .*$`)

// Parts of the contract, and one to add.
const (
	size = "        backupSize:\n          description: The size of the backup in bytes.\n" +
		"          x-source: later\n          type: integer\n          format: int64\n"
	text = "          text/json:\n            schema:\n" +
		"              $ref: '#/components/schemas/Dynamics365.Model.Request.JobFilterModel'\n" +
		"            examples:\n              failedBackups:\n                $ref: '#/components/examples/FailedBackups'\n"
	object = "        objectType:\n          description: |\n            Jobs of this kind of module only. Version v1's table calls it an enum, its schema an\n" +
		"            integer. Neither lists values, so this contract allows any 32-bit integer.\n          x-source: seed\n" +
		"          x-source-format: earlier\n          x-source-nullable: earlier\n          type: integer\n          format: int32\n          nullable: true\n"
	added = "        notInTheContract:\n          description: Added by this test.\n          x-source: later\n          type: string\n"
)

// TestGate runs the gate on changed copies of the contract.
func TestGate(t *testing.T) {
	tests := []struct {
		name, version, old, new string
		want                    string // in the output of the refusal; empty if there is none
	}{
		{"nothing changed", "1.999.0", "", "", ""},
		{"property of a response added", "1.999.0", size, added + size, ""},
		{"value added", "1.999.0", "        - 16\n", "        - 16\n        - 1073741824\n", ""},
		{"value removed", "1.999.0", "        - 16\n", "", "enum value `16.00`"},
		{"value of the status removed", "1.999.0", "        - 7\n", "", "enum value `7.00`"},
		{"property made required", "1.999.0", "        - pageInfo\n", "        - pageInfo\n        - type\n", "`type`"},
		{"media type removed", "1.999.0", text, "", "text/json"},
		{"path removed", "1.999.0", "  /api/OpenApi/GetJobs:\n", "  /api/OpenApi/Jobs:\n", "/api/OpenApi/GetJobs"},
		{"property of a response removed", "1.999.0", size, "", "backupSize"},
		{"property of a request removed", "1.999.0", object, "", "objectType"},
		{"default of a property changed", "1.999.0", "\n          default: 10\n", "\n          default: 50\n", "`pageSize`"},
		{"default of a property removed", "1.999.0", "\n          default: 10\n", "\n", "`pageSize`"},
		{"default of a parameter changed", "1.999.0", "\n            default: 10\n", "\n            default: 50\n", "`pageSize`"},
		{"default of a parameter removed", "1.999.0", "\n            default: 10\n", "\n", "`pageSize`"},
		{"breaking change with a major version", "999.0.0", size, "", ""},
		{"released contract changed", "1.0.0", size, added + size, "raise info.version"},
		{"incomplete version", "1.0", "", "", "write it like 1.2.3"},
	}
	contract, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(contract), test.old) {
				t.Fatalf("openapi.yaml no longer has\n%s", test.old)
			}
			changed := strings.Replace(string(contract), test.old, test.new, 1)
			changed = version.ReplaceAllString(changed, "  version: "+test.version)
			file := filepath.Join(t.TempDir(), "openapi.yaml")
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("./check-breaking.sh", file).CombinedOutput()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v\n%s", err, out)
			case test.want != "" && err == nil:
				t.Errorf("passed\n%s", out)
			case !strings.Contains(string(out), test.want):
				t.Errorf("the refusal does not contain %q:\n%s", test.want, out)
			}
		})
	}
}

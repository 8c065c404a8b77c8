// Package golden compares what tests get with files that make golden rewrites.
package golden

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Updating reports whether make golden runs the test.
func Updating() bool { return os.Getenv("UPDATE_GOLDEN") != "" }

// Equal reports whether the file contains got. If not, the test fails; make golden writes got to the file instead.
func Equal(t testing.TB, file, got string) bool {
	t.Helper()
	if Updating() {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // everyone may read it
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file) //nolint:gosec // the test chooses the file
	if err != nil {
		t.Fatalf("%v; to create it, run make golden", err)
	}
	diff := cmp.Diff(string(want), got)
	if diff != "" {
		t.Errorf("%s differs (-want +got); to accept it, run make golden:\n%s", file, diff)
	}
	return diff == ""
}

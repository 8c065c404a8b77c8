package lenient

import "testing"

// TestNewTable: an Object has a bit for each of 32 fields.
func TestNewTable(t *testing.T) {
	for n, want := range map[int]bool{32: false, 33: true} {
		func() {
			defer func() {
				if panicked := recover() != nil; panicked != want {
					t.Errorf("%d fields: panicked is %t, want %t", n, panicked, want)
				}
			}()
			NewTable("", make([]Field[int], n))
		}()
	}
}

package enum_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/enum"
)

type color int32

var colors = enum.New("color", map[color]string{0: "Any", 2: "DarkRed", 7: "Blue"})

func TestNames(t *testing.T) {
	if got, want := colors.Values(), []color{0, 2, 7}; !slices.Equal(got, want) {
		t.Errorf("values %v, want %v", got, want)
	}
	for value, want := range map[color]string{0: "Any", 2: "DarkRed", -1: "Unknown", 5: "5", -2: "-2"} {
		if got := colors.Name(value); got != want {
			t.Errorf("%d is called %q, want %q", value, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	const invalid = -1
	for _, tt := range []struct {
		text              string
		parsed, unmarshal color
	}{
		{"DarkRed", 2, 2},
		{"dark-red", 2, 2},
		{" DARK red_", 2, 2},
		{"2", 2, 2},
		{" 7 ", 7, 7},
		{"5", invalid, 5}, // a stored value without a name is kept
		{"-3", invalid, -3},
		{"Unknown", invalid, -1},
		{"unknown", invalid, invalid},
		{"", invalid, invalid},
		{"9999999999", invalid, invalid},
		{"0x2", invalid, invalid},
	} {
		if got, err := colors.Parse(tt.text); got != tt.parsed || (err == nil) != (tt.parsed != invalid) {
			t.Errorf("Parse(%q) = %d, %v; want %d", tt.text, got, err, tt.parsed)
		}
		isInvalid := tt.unmarshal == invalid && tt.text != enum.Unknown
		if got, err := colors.Unmarshal(tt.text); got != tt.unmarshal || (err != nil) != isInvalid {
			t.Errorf("Unmarshal(%q) = %d, %v; want %d", tt.text, got, err, tt.unmarshal)
		}
	}
}

func TestErrorListsTheNames(t *testing.T) {
	_, err := colors.Parse("gre\x1ben" + strings.Repeat("n", 100))
	want := `color "green` + strings.Repeat("n", 59) + `" does not exist: use one of Any, DarkRed, Blue`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

package cmdutil

import (
	"bytes"
	"testing"
)

func TestTerminal(t *testing.T) {
	for _, tt := range []struct {
		env  []string
		want Screen
	}{
		{[]string{"TERM=xterm"}, Screen{Terminal: true, Width: 90, Color: true, Cursor: true}},
		{[]string{"TERM=xterm", "NO_COLOR=0"}, Screen{Terminal: true, Width: 90, Cursor: true}},
		{[]string{"TERM=xterm", "NO_COLOR="}, Screen{Terminal: true, Width: 90, Color: true, Cursor: true}},
		{[]string{"TERM=dumb"}, Screen{Terminal: true, Width: 90}},
	} {
		if got := terminal(90, NewApp(tt.env, nil, nil, nil).Getenv); got != tt.want {
			t.Errorf("%v: got %+v, want %+v", tt.env, got, tt.want)
		}
	}
	if got := screenOf(new(bytes.Buffer), func(string) string { return "" }); got != (Screen{}) {
		t.Errorf("a buffer is a terminal: %+v", got)
	}
}

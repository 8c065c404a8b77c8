package cmdutil

import (
	"os"

	"golang.org/x/term"
)

// Screen says what a stream is connected to.
type Screen struct {
	// Terminal says that a person may be looking.
	Terminal bool
	// Width is the number of columns; 0 where there is no limit.
	Width int
	// Color says that colours are welcome.
	Color bool
	// Cursor says that a line can be written over.
	Cursor bool
}

// defaultWidth is that of a terminal which does not tell.
const defaultWidth = 80

func screenOf(stream any, getenv func(string) string) Screen {
	file, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return Screen{}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		width = defaultWidth
	}
	return terminal(width, getenv)
}

// terminal returns the screen of a terminal. NO_COLOR counts with any value that is not empty
// (no-color.org).
func terminal(width int, getenv func(string) string) Screen {
	dumb := getenv("TERM") == "dumb"
	return Screen{Terminal: true, Width: width, Color: !dumb && getenv("NO_COLOR") == "", Cursor: !dumb}
}

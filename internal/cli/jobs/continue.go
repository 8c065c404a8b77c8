package jobs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// continueOutput prepares the standard output to be appended to: nothing else appends to it until the function that it
// returns is called, a last line that a crash has cut off is removed, and csv gets no second header.
func (c *command) continueOutput(output *os.File) (release func(), err error) {
	info, err := output.Stat()
	if err != nil || info.Size() == 0 {
		return func() {}, err
	}
	// >> opens the file for writing only. Linux can open it again for reading.
	path := fmt.Sprintf("/proc/self/fd/%d", output.Fd())
	lock, err := lockFile(path)
	if err != nil {
		return nil, fmt.Errorf("the end of the output cannot be checked: %w: write each run to a new file", err)
	}
	release = func() { _ = lock.Close() }
	defer func() {
		if err != nil {
			release()
		}
	}()
	file, err := os.Open(path) //nolint:gosec // This is the standard output.
	if err != nil {
		return nil, fmt.Errorf("the end of the output cannot be checked: %w: write each run to a new file", err)
	}
	defer file.Close()
	end, err := endOfLines(file, c.output.String() == "csv")
	if err != nil {
		return nil, fmt.Errorf("the output cannot be read: %w", err)
	}
	if err := output.Truncate(end); err != nil {
		return nil, fmt.Errorf("the last line of the output is incomplete and cannot be removed: %w", err)
	}
	_, err = output.Seek(end, io.SeekStart) // without effect if the file is open for appending
	c.continued = end > 0
	return release, err
}

// endOfLines returns the length of the text without a last line that has no end. In csv, a quoted value can have line ends.
func endOfLines(text io.Reader, isCSV bool) (end int64, err error) {
	reader, quoted, at := bufio.NewReaderSize(text, 1<<16), false, int64(0)
	for {
		b, err := reader.ReadByte()
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		at++
		if b == '"' && isCSV {
			quoted = !quoted
		}
		if b == '\n' && !quoted {
			end = at
		}
	}
}

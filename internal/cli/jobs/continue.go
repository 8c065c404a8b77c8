package jobs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxCut limits the incomplete last line that continueOutput removes. A longer one is not from this command.
const maxCut = 1 << 20

// continueOutput prepares the standard output to be appended to: nothing else appends to it until the function that it
// returns is called, a last line that a crash has cut off is removed, and csv gets no second header.
func (c *command) continueOutput(output *os.File) (release func(), err error) {
	info, err := output.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return func() {}, err
	}
	// >> opens the file for writing only. Linux can open it again for reading.
	path := fmt.Sprintf("/proc/self/fd/%d", output.Fd())
	file, err := os.Open(path) //nolint:gosec // This is the standard output.
	switch {
	case err != nil && info.Size() == 0: // not Linux, and nothing to check
		return func() {}, nil
	case err != nil:
		return nil, fmt.Errorf("the end of the output cannot be checked: %w: write each run to a new file", err)
	}
	defer file.Close()
	lock, err := lockFile(path, "the output")
	if err != nil {
		return nil, err
	}
	release = func() { _ = lock.Close() }
	if err := c.repair(output, file, info.Size()); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// repair removes an incomplete last line of the output, which can be read from a file.
func (c *command) repair(output, file *os.File, size int64) error {
	isCSV := c.output.String() == "csv"
	starts := []string{"{"}
	if isCSV {
		header := strings.Join(c.columnNames(), ",") + "\n"
		starts = []string{header, byteOrderMark + header}
	}
	if !beginsWith(file, starts) {
		return fmt.Errorf("the output does not begin like this export as %s: append to a file of its own", c.output)
	}
	end, err := endOfLines(file, isCSV)
	if err != nil {
		return fmt.Errorf("the output cannot be read: %w", err)
	}
	if size-end > maxCut {
		return fmt.Errorf("the output is not valid as %s after byte %d: write to a new file", c.output, end)
	}
	if err := output.Truncate(end); err != nil {
		return fmt.Errorf("the last line of the output is incomplete and cannot be removed: %w", err)
	}
	c.continued = end > 0
	_, err = output.Seek(end, io.SeekStart) // without effect if the file is open for appending
	return err
}

// beginsWith reports whether a text begins with one of these strings. A shorter one may be its beginning.
func beginsWith(text io.ReaderAt, starts []string) bool {
	for _, start := range starts {
		found := make([]byte, len(start))
		n, err := text.ReadAt(found, 0)
		if (err == nil || errors.Is(err, io.EOF)) && strings.HasPrefix(start, string(found[:n])) {
			return true
		}
	}
	return false
}

// endOfLines returns the length of the text without a last line that has no end. In csv, a quoted value can have line ends.
func endOfLines(text io.Reader, isCSV bool) (end int64, err error) {
	reader, quoted := bufio.NewReaderSize(text, 1<<16), false
	for at := int64(1); ; at++ {
		b, err := reader.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return end, nil
		case err != nil:
			return 0, err
		case b == '"' && isCSV:
			quoted = !quoted
		case b == '\n' && !quoted:
			end = at
		}
	}
}

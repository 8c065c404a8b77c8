package jobs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// printer writes jobs in one format. What print has not written yet, flush writes.
type printer interface {
	print(job) error
	flush() error
	// close writes the end of a list that is whole.
	close(listed) error
}

// listed says what a whole list is of.
type listed struct {
	start, end time.Time
	// limited says that it ends where it does because no more was asked for.
	limited bool
}

// The formats.
const (
	formatTable  = "table"
	formatJSON   = "json"
	formatNDJSON = "ndjson"
	formatCSV    = "csv"
)

var formats = []string{formatTable, formatJSON, formatNDJSON, formatCSV}

// format is a flag that takes the name of a format.
type format string

// Set takes a name.
func (f *format) Set(text string) error {
	if !slices.Contains(formats, text) {
		return fmt.Errorf("format %q does not exist: use one of %s", text, strings.Join(formats, ", "))
	}
	*f = format(text)
	return nil
}

// String returns the name.
func (f *format) String() string { return string(*f) }

// Type is what help calls the value.
func (f *format) Type() string { return "format" }

// linePrinter writes a JSON object a line, each as soon as it is there.
type linePrinter struct{ out io.Writer }

func (p *linePrinter) print(j job) error {
	line, err := encode(j)
	if err != nil {
		return err
	}
	_, err = p.out.Write(append(line, '\n'))
	return err
}

func (p *linePrinter) flush() error       { return nil }
func (p *linePrinter) close(listed) error { return nil }

// arrayPrinter writes one JSON array, an object a line. A list that ends early has no closing bracket,
// so that no program takes it for the whole.
type arrayPrinter struct {
	out   io.Writer
	began bool
}

func (p *arrayPrinter) print(j job) error {
	line, err := encode(j)
	if err != nil {
		return err
	}
	before := ",\n"
	if !p.began {
		before, p.began = "[\n", true
	}
	_, err = p.out.Write(append([]byte(before), line...))
	return err
}

func (p *arrayPrinter) flush() error { return nil }

func (p *arrayPrinter) close(listed) error {
	end := "\n]\n"
	if !p.began {
		end = "[]\n"
	}
	_, err := io.WriteString(p.out, end)
	return err
}

// encode returns a job as the library marshals it, its times in UTC.
func encode(j job) ([]byte, error) {
	j.StartTime, j.FinishTime = j.StartTime.UTC(), j.FinishTime.UTC()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(j)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// csvPrinter writes comma-separated values (RFC 4180, but for the line feeds) under a header.
type csvPrinter struct {
	out    *csv.Writer
	fields []field
	began  bool
}

func (p *csvPrinter) header() error {
	if p.began {
		return nil
	}
	p.began = true
	names := make([]string, len(p.fields))
	for i, f := range p.fields {
		names[i] = f.name
	}
	return p.out.Write(names)
}

func (p *csvPrinter) print(j job) error {
	if err := p.header(); err != nil {
		return err
	}
	row := make([]string, len(p.fields))
	for i, f := range p.fields {
		row[i] = f.raw(j)
	}
	if err := p.out.Write(row); err != nil {
		return err
	}
	return p.flush()
}

func (p *csvPrinter) flush() error {
	p.out.Flush()
	return p.out.Error()
}

func (p *csvPrinter) close(listed) error {
	if err := p.header(); err != nil {
		return err
	}
	return p.flush()
}

package jobs

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/human"
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
type linePrinter struct {
	out  io.Writer
	line jx.Writer
}

func (p *linePrinter) print(j job) error {
	p.line.Reset()
	encode(&p.line, j)
	p.line.RawStr("\n")
	_, err := p.out.Write(cmdutil.EscapeJSON(p.line.Buf))
	return err
}

func (p *linePrinter) flush() error       { return nil }
func (p *linePrinter) close(listed) error { return nil }

// arrayPrinter writes one JSON array, an object a line. A list that ends early has no closing bracket,
// so that no program takes it for the whole.
type arrayPrinter struct {
	out   io.Writer
	line  jx.Writer
	began bool
}

func (p *arrayPrinter) print(j job) error {
	p.line.Reset()
	if p.began {
		p.line.RawStr(",\n")
	} else {
		p.line.RawStr("[\n")
	}
	p.began = true
	encode(&p.line, j)
	_, err := p.out.Write(cmdutil.EscapeJSON(p.line.Buf))
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

// encode writes a job as a JSON object that has every field, so that all lines have the same keys.
func encode(w *jx.Writer, j job) {
	w.ObjStart()
	for i, f := range fields {
		if i > 0 {
			w.Comma()
		}
		w.FieldStart(f.name)
		switch value := f.raw(j); {
		case f.kind == kindNumber:
			w.RawStr(value)
		case f.kind == kindTime && value == "":
			w.Null()
		default:
			w.Str(value)
		}
	}
	w.ObjEnd()
}

// csvPrinter writes comma-separated values (RFC 4180, but for the line feeds) under a header. They are
// what the service says, to the byte: CSV has no escape that every program reads, so neither control
// characters nor what a spreadsheet takes for a formula can be told as such. A terminal gets the first
// taken out.
type csvPrinter struct {
	out      *csv.Writer
	terminal bool
	fields   []field
	began    bool
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
		if p.terminal {
			row[i] = human.Text(row[i])
		}
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

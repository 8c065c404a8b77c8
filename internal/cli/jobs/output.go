package jobs

import (
	"encoding/csv"
	"errors"
	"io"
	"time"

	"github.com/go-faster/jx"

	"github.com/d365backup/d365backup/internal/human"
)

// printer writes jobs in one format.
type printer interface {
	print(job) error
	// flush writes what print has kept.
	flush() error
	// close writes the end of a complete list.
	close(listed) error
}

// listed describes a complete list.
type listed struct {
	start, end time.Time
	limited    bool // by --limit
}

// jsonPrinter writes one JSON object per line, each as soon as it is available; for the format json as one array. An array
// without its closing bracket is incomplete.
type jsonPrinter struct {
	out   io.Writer
	array bool
	line  jx.Writer
	began bool
}

func (p *jsonPrinter) print(j job) error {
	p.line.Reset()
	switch {
	case !p.array:
	case p.began:
		p.line.RawStr(",\n")
	default:
		p.line.RawStr("[\n")
	}
	p.began = true
	encode(&p.line, j)
	if !p.array {
		p.line.RawStr("\n")
	}
	_, err := p.out.Write(human.EscapeJSON(p.line.Buf))
	return err
}

func (p *jsonPrinter) flush() error { return nil }

func (p *jsonPrinter) close(listed) error {
	end := "\n]\n"
	switch {
	case !p.array:
		return nil
	case !p.began:
		end = "[]\n"
	}
	_, err := io.WriteString(p.out, end)
	return err
}

// encode writes a job as a JSON object. It has every field, so that all jobs have the same keys.
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

// byteOrderMark makes Excel read a file as UTF-8.
const byteOrderMark = "\ufeff"

// csvPrinter writes comma-separated values (RFC 4180, with line feeds only) after a header. Values are exactly those of
// the service: CSV has no escape that every program reads, so neither control characters nor what a spreadsheet takes for
// a formula can be marked. On a terminal, control characters are removed.
type csvPrinter struct {
	out      *csv.Writer
	terminal bool
	fields   []field
	bom      bool // the header begins with a byte order mark
	began    bool
}

func (p *csvPrinter) write(value func(field) string) error {
	row := make([]string, len(p.fields))
	for i, f := range p.fields {
		row[i] = value(f)
	}
	return p.out.Write(row)
}

func (p *csvPrinter) header() error {
	if p.began {
		return nil
	}
	p.began = true
	mark := ""
	if p.bom {
		mark = byteOrderMark
	}
	return p.write(func(f field) string {
		name := mark + f.name
		mark = ""
		return name
	})
}

func (p *csvPrinter) print(j job) error {
	err := p.header()
	if err == nil {
		err = p.write(func(f field) string {
			if p.terminal {
				return human.Text(f.raw(j))
			}
			return f.raw(j)
		})
	}
	return errors.Join(err, p.flush())
}

func (p *csvPrinter) flush() error {
	p.out.Flush()
	return p.out.Error()
}

func (p *csvPrinter) close(listed) error { return errors.Join(p.header(), p.flush()) }

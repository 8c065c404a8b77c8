package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/human"
)

// Progress is a line on the standard error that says how far a long reading has come. It shows on a
// terminal only, and not before it is worth it. It is safe for concurrent use; nil shows nothing.
type Progress struct {
	mu      sync.Mutex
	out     io.Writer
	width   int
	started time.Time
	drawn   time.Time
	visible bool
}

const (
	progressDelay = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// NewProgress returns a progress line, or nil where none can show.
func NewProgress(app *App) *Progress {
	if !app.StderrScreen.Cursor {
		return nil
	}
	return &Progress{out: app.Stderr, width: app.StderrScreen.Width, started: time.Now()}
}

// Update shows how many jobs were read, of how many in all, on how many pages. A total below 1 is
// not known.
func (p *Progress) Update(jobs, total int64, pages int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.started) < progressDelay || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn, p.visible = now, true
	line := progressLine(jobs, total, pages, now.Sub(p.started))
	_, _ = fmt.Fprintf(p.out, "\r%s\x1b[K", line[:min(len(line), max(p.width-1, 0))])
}

// progressLine is ASCII, so that it can be cut anywhere.
func progressLine(jobs, total int64, pages int, elapsed time.Duration) string {
	line := human.Plural(jobs, "job", "jobs")
	if total > 0 {
		line = fmt.Sprintf("%s of %s jobs (%d%%)", human.Count(jobs), human.Count(total), 100*min(jobs, total)/total)
	}
	line += ", " + human.Plural(int64(pages), "page", "pages")
	if seconds := elapsed.Seconds(); seconds > 0 {
		line += fmt.Sprintf(", %s jobs/s", human.Count(int64(float64(jobs)/seconds)))
	}
	return line
}

// Clear takes the line away, before something else is written and at the end.
func (p *Progress) Clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visible {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
		p.visible = false
	}
}

// Writer returns a writer that takes the line away before it writes, for an output on the same screen.
func (p *Progress) Writer(out io.Writer) io.Writer {
	if p == nil {
		return out
	}
	return clearing{p, out}
}

type clearing struct {
	progress *Progress
	out      io.Writer
}

func (c clearing) Write(text []byte) (int, error) {
	c.progress.Clear()
	return c.out.Write(text)
}

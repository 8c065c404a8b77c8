package cmdutil

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/human"
)

// Progress says on the standard error how far a long reading has come: a line with a bar, written over
// again and again, or a new line now and then where a terminal cannot do that. It shows on a terminal
// only, and not before it is worth it. All of it is ASCII. It is safe for concurrent use; nil shows nothing.
type Progress struct {
	mu      sync.Mutex
	out     io.Writer
	screen  Screen
	started time.Time
	drawn   time.Time
	visible bool
}

const (
	progressDelay = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
	// dumbEvery parts the lines on a terminal that cannot write over one.
	dumbEvery = 10 * time.Second
	barWidth  = 20
)

// NewProgress returns a progress line, or nil where none can show.
func NewProgress(app *App) *Progress {
	if !app.StderrScreen.Terminal {
		return nil
	}
	return &Progress{out: app.Stderr, screen: app.StderrScreen, started: time.Now()}
}

// Update shows how many jobs were read, of how many in all, on how many pages. A total below 1 is
// not known.
func (p *Progress) Update(jobs, total int64, pages int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delay, every := progressDelay, progressEvery
	if !p.screen.Cursor {
		delay, every = dumbEvery, dumbEvery
	}
	now := time.Now()
	if now.Sub(p.started) < delay || now.Sub(p.drawn) < every {
		return
	}
	p.drawn = now
	line := progressLine(jobs, total, pages, now.Sub(p.started))
	if !p.screen.Cursor {
		_, _ = fmt.Fprintln(p.out, line)
		return
	}
	p.visible = true
	room := max(p.screen.Width-1, 0) // the last column would break the line
	if bar := progressBar(jobs, total); len(bar)+len(line) <= room {
		line = bar + line
	}
	_, _ = fmt.Fprintf(p.out, "\r%s\x1b[K", line[:min(len(line), room)])
}

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

// progressBar returns a bar such as "[########            ] "; nothing where the total is not known.
func progressBar(jobs, total int64) string {
	if total <= 0 {
		return ""
	}
	done := int(barWidth * min(jobs, total) / total)
	return "[" + strings.Repeat("#", done) + strings.Repeat(" ", barWidth-done) + "] "
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

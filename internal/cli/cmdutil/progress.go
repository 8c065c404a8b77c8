package cmdutil

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Progress shows on the standard error how many jobs have been read: a line that is overwritten, or a new line every
// 10 seconds on a terminal that cannot do that. It shows nothing if the standard error is not a terminal, or if reading
// takes less than half a second. All of it is ASCII. It is safe for concurrent use; nil shows nothing.
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
	dumbEvery     = 10 * time.Second // without a cursor
)

// NewProgress returns a progress line, or nil if the standard error is not a terminal.
func NewProgress(app *App) *Progress {
	if !app.StderrScreen.Terminal {
		return nil
	}
	return &Progress{out: app.Stderr, screen: app.StderrScreen, started: time.Now()}
}

// Option makes a client report its progress.
func (p *Progress) Option() d365backup.Option { return d365backup.WithProgress(p.update) }

func (p *Progress) update(now d365backup.Progress) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delay, every := progressDelay, progressEvery
	if !p.screen.Cursor {
		delay, every = dumbEvery, dumbEvery
	}
	if time.Since(p.started) < delay || time.Since(p.drawn) < every {
		return
	}
	p.drawn = time.Now()
	line := progressLine(now, time.Since(p.started))
	if !p.screen.Cursor {
		_, _ = fmt.Fprintln(p.out, line)
		return
	}
	p.visible = true
	room := max(p.screen.Width-1, 0) // the last column would wrap the line
	if bar := progressBar(now); len(bar)+len(line) <= room {
		line = bar + line
	}
	_, _ = fmt.Fprintf(p.out, "\r%s\x1b[K", line[:min(len(line), room)])
}

func progressLine(now d365backup.Progress, elapsed time.Duration) string {
	line := human.Plural(now.Jobs, "job", "jobs")
	if now.TotalCount > 0 {
		percent := 100 * min(now.Jobs, now.TotalCount) / now.TotalCount
		line = fmt.Sprintf("%s of %s jobs (%d%%)", human.Count(now.Jobs), human.Count(now.TotalCount), percent)
	}
	line += ", " + human.Plural(int64(now.Pages), "page", "pages")
	if seconds := elapsed.Seconds(); seconds > 0 {
		line += fmt.Sprintf(", %s jobs/s", human.Count(int64(float64(now.Jobs)/seconds)))
	}
	return line
}

// progressBar returns a bar such as "[########            ] ", or nothing if the total is unknown.
func progressBar(now d365backup.Progress) string {
	const width = 20
	if now.TotalCount <= 0 {
		return ""
	}
	done := int(width * min(now.Jobs, now.TotalCount) / now.TotalCount)
	return "[" + strings.Repeat("#", done) + strings.Repeat(" ", width-done) + "] "
}

// Clear removes the line, before other output and at the end.
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

// Writer returns a writer that removes the line before it writes, for output on the same screen.
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

package cmdutil

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestProgressNarrow: if there is no room for the bar, only the numbers are shown.
func TestProgressNarrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		app := NewApp(nil, nil, nil, &screen)
		app.StderrScreen = Screen{Terminal: true, Width: 60, Cursor: true}
		p := NewProgress(app)
		time.Sleep(time.Second)
		p.update(d365backup.Progress{Jobs: 4000, TotalCount: 3306, Pages: 34})
		if want := "\r4,000 of 3,306 jobs (100%), 34 pages, 4,000 jobs/s\x1b[K"; screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
	})
}

// TestProgressDumb: a terminal that cannot overwrite a line gets a new one from time to time.
func TestProgressDumb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		app := NewApp(nil, nil, nil, &screen)
		app.StderrScreen = Screen{Terminal: true, Width: 80}
		p := NewProgress(app)
		for range 25 {
			time.Sleep(time.Second)
			p.update(d365backup.Progress{Jobs: 500, TotalCount: 1000, Pages: 5})
		}
		p.Clear()
		want := "500 of 1,000 jobs (50%), 5 pages, 50 jobs/s\n500 of 1,000 jobs (50%), 5 pages, 25 jobs/s\n"
		if screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
	})
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		app := NewApp(nil, nil, nil, &screen)
		if p := NewProgress(app); p != nil {
			t.Error("it is shown without a terminal")
		}
		app.StderrScreen = Screen{Terminal: true, Width: 80, Cursor: true}
		p := NewProgress(app)
		p.update(d365backup.Progress{Jobs: 100, TotalCount: 3306, Pages: 1}) // too early
		p.Clear()
		if screen.Len() > 0 {
			t.Errorf("got %q", screen.String())
		}
		time.Sleep(progressDelay)
		p.update(d365backup.Progress{Jobs: 1500, TotalCount: 3306, Pages: 15})
		p.update(d365backup.Progress{Jobs: 1600, TotalCount: 3306, Pages: 16}) // too soon after the last
		if want := "\r[#########           ] 1,500 of 3,306 jobs (45%), 15 pages, 3,000 jobs/s\x1b[K"; screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
		screen.Reset()
		_, _ = fmt.Fprint(p.Writer(&screen), "job\n")
		if want := "\r\x1b[Kjob\n"; screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
		p.Clear() // again is nothing
		time.Sleep(progressEvery)
		screen.Reset()
		p.screen.Width = 10
		p.update(d365backup.Progress{Jobs: 1, TotalCount: -1, Pages: 1})
		if want := "\r1 job, 1 \x1b[K"; screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
	})
	var none *Progress
	none.update(d365backup.Progress{Jobs: 1, TotalCount: 1, Pages: 1})
	none.Clear()
	if none.Writer(io.Discard) != io.Discard {
		t.Error("nil changes the writer")
	}
}

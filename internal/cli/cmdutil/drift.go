package cmdutil

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Drift collects what the client tolerated in responses, and notes it on the standard error. It is safe
// for concurrent use.
type Drift struct {
	app   *App
	mu    sync.Mutex
	items []driftItem
	// successor: it is used in place of version v1, which is not noted yet.
	successor bool
}

// driftItem is one kind of drift in one place.
type driftItem struct {
	text  string
	jobs  int64 // with a value that is not known; 0 for other kinds
	noted bool
}

// unsent is the text of a type or a status that was not sent.
var unsent = d365backup.JobStatusUnknown.String()

const (
	maxDriftItems = 100 // kept
	maxDriftNoted = 5   // in one line
)

// NewDrift returns a collection for a command of this App.
func NewDrift(app *App) *Drift { return &Drift{app: app} }

// Option makes a client report to the collection.
func (d *Drift) Option() d365backup.Option {
	return d365backup.WithDriftHandler(func(drift d365backup.Drift) {
		if drift.Kind == d365backup.DriftUnknownValue && drift.Value != unsent {
			return // Watch counts these, because pages may be read twice
		}
		if drift.Kind == d365backup.DriftSuccessor {
			d.mu.Lock()
			d.successor = true
			d.mu.Unlock()
			return
		}
		text := string(drift.Kind)
		if drift.Field != "" {
			text = drift.Field + ": " + text
		}
		if drift.Value != "" {
			text += ` ("` + human.Text(drift.Value) + `")` // which may have escapes, as it is quoted from JSON
		}
		d.add(text, 0)
	})
}

// Watch returns the same jobs, and counts those with a type or a status that is not known.
func (d *Drift) Watch(jobs iter.Seq2[d365backup.Job, error]) iter.Seq2[d365backup.Job, error] {
	return func(yield func(d365backup.Job, error) bool) {
		for job, err := range jobs {
			if err == nil && !job.Type.Known() {
				d.addValue("type", job.TypeText())
			}
			if err == nil && !job.Status.Known() {
				d.addValue("status", job.StatusText())
			}
			if !yield(job, err) {
				return
			}
		}
	}
}

// addValue counts a job with a type or a status that is not known.
func (d *Drift) addValue(what, text string) {
	if text != unsent {
		d.add(fmt.Sprintf("%s %q not understood", what, human.Clip(text, 64)), 1)
	}
}

func (d *Drift) add(text string, jobs int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.items, func(item driftItem) bool { return item.text == text })
	if i < 0 && len(d.items) < maxDriftItems {
		i = len(d.items)
		d.items = append(d.items, driftItem{text: text})
	}
	if i >= 0 {
		d.items[i].jobs += jobs
	}
}

// Note writes one line about what has not been noted before, if anything, and one if version v1 was not
// found.
func (d *Drift) Note() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.successor {
		d.app.Notef("d365backup: version v1 was not found and its successor is used: set api: %s in the profile, or give --api %[1]s", d365backup.APIGraph)
		d.successor = false
	}
	var values, others []string // those that change what the jobs say come first
	for i, item := range d.items {
		switch {
		case item.noted:
		case item.jobs > 0:
			values = append(values, item.text+" in "+human.Plural(item.jobs, "job", "jobs"))
		default:
			others = append(others, item.text)
		}
		d.items[i].noted = true
	}
	texts := slices.Concat(values, others)
	if more := len(texts) - maxDriftNoted; more > 0 {
		texts = append(texts[:maxDriftNoted], fmt.Sprintf("and %d more", more))
	}
	if len(texts) > 0 {
		d.app.Notef("d365backup: responses differ from the contract: %s", strings.Join(texts, "; "))
	}
}

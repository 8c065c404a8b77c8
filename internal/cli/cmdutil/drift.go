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

// Drift collects the deviations from the contract that the client tolerates, and reports them on the standard error. It
// is safe for concurrent use.
type Drift struct {
	// Profile is named in the reports; empty if there is only one.
	Profile string

	app       *App
	mu        sync.Mutex
	items     []driftItem
	successor bool // in use
	reported  bool // that it is
}

// driftItem is one deviation.
type driftItem struct {
	text     string
	jobs     int64 // that have an unknown value; 0 for other deviations
	reported bool
}

// missingValue is the text of a type or a status that was not sent.
var missingValue = d365backup.JobStatusUnknown.String()

// NewDrift returns a collection that reports to this App.
func NewDrift(app *App) *Drift { return &Drift{app: app} }

// Option makes a client report to the collection.
func (d *Drift) Option() d365backup.Option {
	return d365backup.WithDriftHandler(func(drift d365backup.Drift) {
		switch {
		case drift.Kind == d365backup.DriftSuccessor:
			d.mu.Lock()
			defer d.mu.Unlock()
			d.successor = true
		case drift.Kind != d365backup.DriftUnknownValue || drift.Value == missingValue: // Watch counts the others
			text := string(drift.Kind)
			if drift.Field != "" {
				text = drift.Field + ": " + text
			}
			if drift.Value != "" {
				text += ` ("` + human.Text(drift.Value) + `")` // it may have escapes, because it is quoted from JSON
			}
			d.add(text, 0)
		}
	})
}

// Watch returns the same jobs, and counts those with an unknown type or status. The client may read a page twice.
func (d *Drift) Watch(jobs iter.Seq2[d365backup.Job, error]) iter.Seq2[d365backup.Job, error] {
	return func(yield func(d365backup.Job, error) bool) {
		for job, err := range jobs {
			if text := job.TypeText(); err == nil && !job.Type.Known() && text != missingValue {
				d.add(fmt.Sprintf("unknown type %q", human.Clip(text, 64)), 1)
			}
			if text := job.StatusText(); err == nil && !job.Status.Known() && text != missingValue {
				d.add(fmt.Sprintf("unknown status %q", human.Clip(text, 64)), 1)
			}
			if !yield(job, err) {
				return
			}
		}
	}
}

func (d *Drift) add(text string, jobs int64) {
	const maxItems = 100
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.items, func(item driftItem) bool { return item.text == text })
	if i < 0 && len(d.items) < maxItems {
		i = len(d.items)
		d.items = append(d.items, driftItem{text: text})
	}
	if i >= 0 {
		d.items[i].jobs += jobs
	}
}

// Successor reports whether the successor of version v1 is in use because v1 was not found.
func (d *Drift) Successor() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.successor
}

// Report writes what it has not reported before: one line if the successor is used, and one about the deviations.
func (d *Drift) Report() {
	const maxReported = 5
	d.mu.Lock()
	defer d.mu.Unlock()
	prefix := "d365backup: "
	if d.Profile != "" {
		prefix += human.Text(d.Profile) + ": "
	}
	if d.successor && !d.reported {
		d.app.Notef("%sversion v1 was not found and its successor is used: set api: %s in the profile, or --api %[2]s", prefix, d365backup.APIGraph)
		d.reported = true
	}
	var values, others []string // unknown values first: they change what the jobs mean
	for i, item := range d.items {
		switch {
		case item.reported:
		case item.jobs > 0:
			values = append(values, item.text+" in "+human.Plural(item.jobs, "job", "jobs"))
		default:
			others = append(others, item.text)
		}
		d.items[i].reported = true
	}
	texts := slices.Concat(values, others)
	if more := len(texts) - maxReported; more > 0 {
		texts = append(texts[:maxReported], fmt.Sprintf("and %d more", more))
	}
	if len(texts) > 0 {
		d.app.Notef("%sresponses differ from the contract: %s", prefix, strings.Join(texts, "; "))
	}
}

package report

import (
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	maxName   = 120  // characters of a name
	maxReason = 1000 // characters of a sentence
	none      = "–"
	invented  = "These jobs come from the sandbox, not from a real service."
)

// clip returns a sentence of the service or of an error, on one line.
func clip(s string) string { return human.Clip(s, maxReason) }

// sentence ends with a full stop.
func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// rate returns the share of backups that succeeded. It is 100% only if all did, and 0% only if none did.
func rate(succeeded, ended int64) string {
	if ended == 0 {
		return none
	}
	percent := float64(succeeded) / float64(ended) * 100
	if succeeded > 0 && succeeded < ended {
		percent = min(max(percent, 0.1), 99.9)
	}
	return strings.TrimSuffix(strconv.FormatFloat(percent, 'f', 1, 64), ".0") + "%"
}

// known returns a figure as text, or a dash if it is not positive: then it is unknown.
func known[N ~int64](n N, text func(N) string) string {
	if n <= 0 {
		return none
	}
	return text(n)
}

func size(bytes int64) string { return known(bytes, human.Bytes) }

func duration(d time.Duration) string { return known(d, human.Duration) }

// unit returns what a bucket of so many days is: "day", or "14 days".
func unit(days int) string { return strings.TrimPrefix(human.Plural(int64(days), "day", "days"), "1 ") }

// join adds a remark to a value.
func join(value, remark string) string {
	if value == none || remark == "" {
		return value
	}
	return value + " (" + remark + ")"
}

// ofTotal returns the number of records not backed up.
func ofTotal(o health.Outcomes) string {
	if o.Failed == 0 || o.Total < o.Failed {
		return human.Count(o.Failed)
	}
	return human.Count(o.Failed) + " of " + human.Count(o.Total)
}

// statusWords returns the status of a backup in words; the service's own word if it is unknown.
func statusWords(status string) string {
	for s := d365backup.JobStatusInProgress; s <= d365backup.JobStatusFinishedWithException; s++ {
		if s.String() == status {
			return human.Status(s)
		}
	}
	return human.Clip(status, 40)
}

// at returns a time in the report's zone.
func (r *Report) at(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.In(r.location()).Format(human.MinuteLayout)
}

func (r *Report) location() *time.Location {
	if r.Location == nil {
		return time.UTC
	}
	return r.Location
}

// zone returns the name of the report's zone.
func (r *Report) zone() string {
	if name := r.location().String(); name != "Local" {
		return name
	}
	return r.Now.In(r.location()).Format("MST (UTC-07:00)")
}

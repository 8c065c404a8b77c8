package health

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// clockTolerance is how far the clocks of the service and of this machine may differ.
const clockTolerance = time.Hour

// history is what decides the state of a module at a time: its jobs since the start of the time range.
type history struct {
	limits
	start, at  time.Time
	location   *time.Location
	incomplete bool

	seen, backups, unknownTypes bool               // whether there is any job, backup, job of unknown type
	last                        [inProgress]Backup // the newest by outcome
	good                        Backup             // the newest success or, if tolerated, exception
	running                     []time.Time        // when backups in progress started, oldest first
	undated                     [inProgress + 1]int64
}

// history returns that of a module, which may be nil.
func (r *reading) history(m *module, l limits) *history {
	h := &history{limits: l, start: r.policy.Start, at: r.at, location: r.policy.Location, incomplete: r.incomplete != ""}
	if m == nil {
		return h
	}
	h.seen, h.undated = true, m.undated
	for i, backup := range m.last {
		if !backup.Start.Before(r.from) {
			h.last[i] = backup
		}
	}
	h.good = h.last[success]
	if l.tolerate && h.last[exception].Start.After(h.good.Start) {
		h.good = h.last[exception]
	}
	for _, start := range m.running {
		if !start.Before(r.from) {
			h.running = append(h.running, start)
		}
	}
	slices.SortFunc(h.running, time.Time.Compare)
	for k := range m.cells {
		h.backups = h.backups || k.day >= r.firstDay
	}
	for k := range m.counts {
		if k.day >= r.firstDay {
			h.backups = h.backups || isBackup(k.typ)
			h.unknownTypes = h.unknownTypes || isUnknownType(k.typ)
		}
	}
	return h
}

// age returns how long ago the last success started; negative if there is none.
func (h *history) age() time.Duration {
	if h.good.Start.IsZero() {
		return -1
	}
	return max(h.at.Sub(h.good.Start), 0)
}

// verdict returns the state and the reason for it. If jobs may be missing, nothing is known to be too old.
func (h *history) verdict() (State, string) {
	state, reason := h.complete()
	if h.incomplete && state > Unknown {
		return Unknown, reason + " (the list is incomplete)"
	}
	return state, reason
}

// complete returns the verdict for a complete list of jobs.
func (h *history) complete() (State, string) {
	age := h.age()
	switch {
	case age < 0:
		return h.withoutSuccess()
	case age > h.maxAge:
		return Overdue, "has had no successful backup for " + ago(age) + h.since()
	case h.lastStart().Sub(h.at) > clockTolerance:
		return Unknown, "has a backup that starts later than now, at " + h.time(h.lastStart()) + ": a clock is wrong"
	}
	state, problem := h.problem()
	reason := "was last backed up " + ago(age) + " ago"
	switch {
	case state != OK:
		reason += ", but " + problem
	case h.good.Start.After(h.last[success].Start):
		reason += ", with an exception, which is tolerated"
	}
	return state, reason
}

// problem returns what is wrong since a success that is recent enough; OK if nothing is.
func (h *history) problem() (State, string) {
	switch h.newest() {
	case unknownStatus:
		return Unknown, h.newestText()
	case failure, exception:
		if text := h.newestText(); text != "" {
			return Warning, text
		}
	}
	if start, tooLong := h.runningTooLong(h.good.Start); tooLong {
		return Warning, "a backup has been running since " + h.time(start) + ", longer than " + limit(h.maxRunning)
	}
	if h.undated[exception]+h.undated[failure]+h.undated[unknownStatus]+h.undated[inProgress] > 0 {
		return Warning, "a backup without a start time has not succeeded"
	}
	return OK, ""
}

// withoutSuccess returns the verdict if there is no success in the time range.
func (h *history) withoutSuccess() (State, string) {
	rangeLength := h.at.Sub(h.start)
	during := " in the last " + ago(rangeLength)
	none := "has had no successful backup" + during
	newest := h.newest()
	switch {
	case newest == unknownStatus:
		return Unknown, none + h.since()
	case h.undated[success] > 0, h.tolerate && h.undated[exception] > 0:
		return Unknown, "has no successful backup with a start time, so its age is unknown"
	case !h.backups && h.unknownTypes:
		return Unknown, "has had no backup" + during + ", but jobs of a type that this version does not know"
	case rangeLength < h.maxAge:
		return Unknown, none + ", which is less than the maximum age of " + limit(h.maxAge)
	case !h.seen:
		return Missing, "is expected, but has had no job" + during
	case !h.backups:
		return Missing, "has had no backup" + during + ", only other jobs"
	case newest < 0 && len(h.running) > 0:
		return Missing, none + ", but its first backup has been running since " + h.time(h.running[0])
	}
	return Missing, none + h.since()
}

// newest returns the outcome of the newest backup that has ended, of several the worst one; negative if there is none.
func (h *history) newest() outcome {
	worst := outcome(-1)
	for _, o := range []outcome{success, exception, failure, unknownStatus} {
		start := h.last[o].Start
		if !start.IsZero() && (worst < 0 || !start.Before(h.last[worst].Start)) {
			worst = o
		}
	}
	return worst
}

// newestText says how the newest backup ended, as a clause; empty if it succeeded.
func (h *history) newestText() string {
	newest := h.newest()
	var how string
	switch {
	case newest == failure:
		how = "failed"
	case newest == exception && !h.tolerate:
		how = "finished with an exception"
	case newest == unknownStatus:
		how = fmt.Sprintf("has a status that this version does not know: %q", clip(h.last[newest].Status, maxNameText))
	default:
		return ""
	}
	return "its newest backup, started at " + h.time(h.last[newest].Start) + ", " + how
}

// since says what happened after the last success, if anything.
func (h *history) since() string {
	if text := h.newestText(); text != "" {
		return ", and " + text
	}
	if n := len(h.running); n > 0 && h.running[n-1].After(h.good.Start) {
		return ", and one has been running since " + h.time(h.running[n-1])
	}
	return ""
}

// lastStart returns when the newest backup started, whatever its status.
func (h *history) lastStart() (last time.Time) {
	for _, backup := range h.last {
		last = later(backup.Start, last)
	}
	if n := len(h.running); n > 0 {
		last = later(h.running[n-1], last)
	}
	return last
}

// runningTooLong returns when the oldest backup started that runs for too long and after which no success started.
func (h *history) runningTooLong(last time.Time) (time.Time, bool) {
	for _, start := range h.running {
		if !last.After(start) {
			return start, h.at.Sub(start) > h.maxRunning
		}
	}
	return time.Time{}, false
}

// time returns a time in the zone of the days, such as "2026-11-26 15:18 UTC".
func (h *history) time(t time.Time) string { return t.In(h.location).Format("2006-01-02 15:04 MST") }

// seconds returns a duration in whole seconds.
func seconds(d time.Duration) int64 { return int64(math.Floor(d.Seconds())) }

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
	last, age := h.good.Start, h.age()
	switch {
	case age < 0:
		return h.withoutSuccess()
	case last.Sub(h.at) > clockTolerance:
		return Unknown, "has a successful backup that starts later than now, at " + h.time(last) + ": a clock is wrong"
	case age > h.maxAge:
		return Overdue, "has had no successful backup for " + ago(age) + h.since()
	}
	switch newest := h.newest(); {
	case newest == unknownStatus:
		return Unknown, "has a newest backup, of " + h.time(h.last[newest].Start) + ", with a" + h.unknownStatus()
	case newest == failure:
		return Warning, "failed its newest backup, at " + h.time(h.last[newest].Start) + h.lastBackup(age)
	case newest == exception && !h.tolerate:
		return Warning, "finished its newest backup with an exception, at " + h.time(h.last[newest].Start) + h.lastBackup(age)
	}
	if start, tooLong := h.runningTooLong(last); tooLong {
		return Warning, "has been running a backup since " + h.time(start) + ", longer than " + limit(h.maxRunning) + h.lastBackup(age)
	}
	if h.undated[exception]+h.undated[failure]+h.undated[unknownStatus]+h.undated[inProgress] > 0 {
		return Warning, "has a backup without a success and without a start time" + h.lastBackup(age)
	}
	reason := "was last backed up " + ago(age) + " ago"
	if h.good.Start.After(h.last[success].Start) {
		reason += ", with an exception, which is tolerated"
	}
	return OK, reason
}

// withoutSuccess returns the verdict if there is no success in the time range.
func (h *history) withoutSuccess() (State, string) {
	const none = "has had no successful backup in this time range"
	newest := h.newest()
	isShort := h.at.Sub(h.start) < h.maxAge
	switch {
	case newest == unknownStatus:
		return Unknown, none + "; its newest backup, of " + h.time(h.last[newest].Start) + ", has a" + h.unknownStatus()
	case h.undated[success] > 0, h.tolerate && h.undated[exception] > 0:
		return Unknown, "has had a successful backup at an unknown time only"
	case !h.backups && h.unknownTypes:
		return Unknown, "has had no backup in this time range, but jobs of a type that this version does not know"
	case isShort:
		return Unknown, none + ", which is shorter than the maximum age of " + limit(h.maxAge)
	case !h.seen:
		return Missing, "is expected, but has had no job in this time range"
	case !h.backups:
		return Missing, "has had no backup in this time range, only other jobs"
	case newest < 0 && len(h.running) > 0:
		return Missing, none + "; its first backup has been running since " + h.time(h.running[0])
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

// since says what happened after the last success, if anything.
func (h *history) since() string {
	switch newest := h.newest(); {
	case newest == failure:
		return "; the newest failed at " + h.time(h.last[newest].Start)
	case newest == exception && !h.tolerate:
		return "; the newest finished with an exception at " + h.time(h.last[newest].Start)
	case newest == unknownStatus:
		return "; the newest, of " + h.time(h.last[newest].Start) + ", has a" + h.unknownStatus()
	}
	if n := len(h.running); n > 0 && h.running[n-1].After(h.good.Start) {
		return "; one has been running since " + h.time(h.running[n-1])
	}
	return ""
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

func (h *history) lastBackup(age time.Duration) string {
	return "; its last successful backup was " + ago(age) + " ago"
}

func (h *history) unknownStatus() string {
	return fmt.Sprintf(" status that this version does not know: %q", clip(h.last[unknownStatus].Status, maxNameText))
}

// time returns a time in the zone of the days, such as "2026-11-26 15:18 UTC".
func (h *history) time(t time.Time) string { return t.In(h.location).Format("2006-01-02 15:04 MST") }

// seconds returns a duration in whole seconds.
func seconds(d time.Duration) int64 { return int64(math.Floor(d.Seconds())) }

package report

import "time"

// slotCount is into how many slots the window is divided to find gaps.
const slotCount = 512

// slot holds the first and the last good backup in a part of the window, in seconds since the window's
// start, plus one: 0 says that there is none.
type slot struct{ first, last uint32 }

// gapFinder finds the longest time without a good backup, in bounded memory and whatever the order of
// the backups. Any gap that is longer than a slot begins and ends in different ones, so that the first
// and the last backup of each slot are enough to find it. A shorter one is found too if it lies between
// two slots; otherwise there is a bound to it.
type gapFinder struct{ slots []slot }

func slotWidth(start, end time.Time) uint32 {
	return uint32(end.Sub(start)/time.Second)/slotCount + 1
}

// add takes note of a good backup. One outside the window counts at the window's edge.
func (g *gapFinder) add(start, end, when time.Time) {
	if g.slots == nil {
		g.slots = make([]slot, slotCount)
	}
	if when.After(end) {
		when = end
	}
	if when.Before(start) {
		when = start
	}
	seconds := uint32(when.Sub(start) / time.Second)
	s := &g.slots[seconds/slotWidth(start, end)]
	if s.first == 0 || seconds+1 < s.first {
		s.first = seconds + 1
	}
	s.last = max(s.last, seconds+1)
}

// gap is a time without a good backup.
type gap struct {
	from, to time.Time
	// fromEdge and toEdge say that it reaches to the window's start or end: it may be longer.
	fromEdge, toEdge bool
	// bound says that the gap is no longer than this, and that its ends are not known.
	bound bool
}

func (g gap) length() time.Duration { return g.to.Sub(g.from) }

// longest returns the longest gap between start and end; the newest one of several.
func (g *gapFinder) longest(start, end time.Time) gap {
	longest, within := gap{from: start, to: start}, gap{from: start, to: start, bound: true}
	keep := func(g *gap, candidate gap) {
		if candidate.length() >= g.length() {
			*g = candidate
		}
	}
	at := func(s uint32) time.Time { return start.Add(time.Duration(s-1) * time.Second) }

	last, edge := start, true
	for _, s := range g.slots {
		if s.first == 0 {
			continue
		}
		keep(&longest, gap{from: last, to: at(s.first), fromEdge: edge})
		keep(&within, gap{from: at(s.first), to: at(s.last), bound: true})
		last, edge = at(s.last), false
	}
	keep(&longest, gap{from: last, to: end, fromEdge: edge, toEdge: true})
	if within.length() > longest.length() {
		return within
	}
	return longest
}

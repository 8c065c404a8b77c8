package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/human"
)

// outcomeWords says how the backups ended, in a sentence.
func outcomeWords(b *bucket) string {
	if b.ended() == 0 {
		return "No backup ended in this window."
	}
	parts := []string{fmt.Sprintf("%s of %s finished (%s)",
		human.Count(b.outcomes[good]), human.Plural(b.ended(), "backup", "backups"), rate(b))}
	for _, other := range []struct {
		outcome outcome
		words   string
	}{{flawed, "finished with an exception"}, {failed, "failed"}, {strange, "ended with an unknown status"}} {
		if n := b.outcomes[other.outcome]; n > 0 {
			parts = append(parts, human.Count(n)+" "+other.words)
		}
	}
	return strings.Join(parts, ", ") + "."
}

// sizeWords says how large the largest backup was, and whether that changed.
func sizeWords(what string, buckets []bucket) string {
	before, after := halves(buckets)
	most := max(before.largest, after.largest)
	if most == 0 {
		return "No backup reports a size."
	}
	words := what + " " + size(most)
	if before.largest == 0 || after.largest == 0 {
		return words + "."
	}
	return words + "; in the second half of the window it was " +
		change(float64(before.largest), float64(after.largest), "larger", "smaller") + "."
}

// halves sums up the first and the second half of the buckets.
func halves(buckets []bucket) (before, after bucket) {
	for i := range buckets {
		if i < len(buckets)/2 {
			before.merge(&buckets[i])
		} else {
			after.merge(&buckets[i])
		}
	}
	return before, after
}

// durationWords says how long backups took, and whether that changed.
func durationWords(t *tally) string {
	if t.backups.timed == 0 {
		return "No backup reports a duration."
	}
	words := fmt.Sprintf("A backup took %s on average and %s at most", duration(t.backups.average()), duration(t.backups.longest))
	before, after := halves(t.buckets)
	if before.timed == 0 || after.timed == 0 {
		return words + "."
	}
	return words + "; in the second half of the window the average was " +
		change(float64(before.average()), float64(after.average()), "longer", "shorter") + "."
}

// change says by how much a figure changed.
func change(from, to float64, more, less string) string {
	switch percent := math.Round((to - from) / max(from, 1) * 100); {
	case percent > 999:
		return "many times " + more
	case percent > 0:
		return fmt.Sprintf("%.0f %% %s", percent, more)
	case percent < 0:
		return fmt.Sprintf("%.0f %% %s", -percent, less)
	default:
		return "about the same"
	}
}

func rateWords(b *bucket) string {
	if b.ended() == 0 {
		return ""
	}
	return rate(b) + " good"
}

// rate returns the success rate. It says 100 % only if every backup is good, and 0 % only if none is.
func rate(b *bucket) string {
	ended, success := b.ended(), b.outcomes[good]
	switch {
	case ended == 0:
		return none
	case success == ended:
		return "100 %"
	case success == 0:
		return "0 %"
	}
	percent := float64(success) / float64(ended) * 100
	return strconv.FormatFloat(min(max(percent, 0.1), 99.9), 'f', 1, 64) + " %"
}

func size(bytes int64) string {
	if bytes == 0 {
		return none
	}
	return human.Bytes(bytes)
}

func duration(d time.Duration) string {
	if d == 0 {
		return none
	}
	return human.Duration(d)
}

func gapText(g gap) string {
	switch length := human.Duration(g.length()); {
	case g.bound:
		return "at most " + length
	case g.fromEdge || g.toEdge:
		return "at least " + length
	default:
		return length
	}
}

// gapSpan says from when to when a gap was.
func (s *Summary) gapSpan(g gap) string {
	switch {
	case g.bound:
		return ""
	case g.fromEdge && g.toEdge:
		return ", the whole window"
	case g.toEdge:
		return ", since " + s.at(g.from)
	default:
		return ", from " + s.at(g.from) + " to " + s.at(g.to)
	}
}

func (s *Summary) lastGood(o *organization) string {
	if o.lastGood.IsZero() {
		return "none"
	}
	return s.at(o.lastGood)
}

// lastGoodAge says how long ago the last good backup was; before the end of a window that is over.
func (s *Summary) lastGoodAge(o *organization) string {
	switch {
	case o.lastGood.IsZero():
		return ""
	case s.until.Before(s.options.Now):
		return human.Duration(o.age) + " before the end"
	default:
		return human.Duration(o.age) + " ago"
	}
}

func parenthesis(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// at returns a time in the report's zone.
func (s *Summary) at(t time.Time) string { return t.In(s.options.Location).Format("2006-01-02 15:04") }

// zone returns the name of the report's zone.
func (s *Summary) zone() string {
	if name := s.options.Location.String(); name != "Local" {
		return name
	}
	return s.options.Now.In(s.options.Location).Format("MST (UTC-07:00)")
}

// clip returns a text of bounded length on one line.
func clip(s string) string {
	const limit = 600
	s = human.Text(s[:min(len(s), limit*4)])
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

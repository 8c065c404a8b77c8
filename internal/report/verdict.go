package report

import (
	"fmt"
	"strings"

	"github.com/d365backup/d365backup/internal/human"
)

// maxClauses is how many organizations a verdict names.
const maxClauses = 2

// Verdict returns what a reader wants to know first, in one sentence, such as "3 of 5 organizations are
// fine; Contoso has had no good backup for 2d 4h."
func (s *Summary) Verdict() string {
	total := len(s.organizations)
	if total == 0 {
		return "No job ran in this window."
	}
	var bad []string
	for _, o := range s.organizations {
		if o.state != fine {
			bad = append(bad, o.verdict())
		}
	}
	clauses := bad[:min(len(bad), maxClauses)]
	if more := int64(len(bad) - len(clauses)); more > 0 {
		clauses = append(clauses[:maxClauses:maxClauses], human.Plural(more, "more is", "more are")+" not fine")
	}
	if head := s.fineClause(total - len(bad)); head != "" {
		clauses = append([]string{head}, clauses...)
	}
	sentence := strings.Join(clauses, "; ") + "."
	if s.until.Before(s.options.Now) {
		return "At the end of this window: " + sentence
	}
	return sentence
}

// fineClause says how many organizations are fine; it is empty where one is all there is and is not.
func (s *Summary) fineClause(count int) string {
	total := len(s.organizations)
	switch {
	case total == 1 && count == 1:
		return s.organizations[0].label + " is fine"
	case total == 1:
		return ""
	case count == total && total == 2:
		return "Both organizations are fine"
	case count == total:
		return "All " + human.Count(int64(total)) + " organizations are fine"
	case count == 0:
		return "None of " + human.Count(int64(total)) + " organizations is fine"
	default:
		verb := "are"
		if count == 1 {
			verb = "is"
		}
		return fmt.Sprintf("%s of %s organizations %s fine", human.Count(int64(count)), human.Count(int64(total)), verb)
	}
}

// verdict says how the organization is protected.
func (o *organization) verdict() string {
	switch {
	case o.state == fine:
		return o.label + " is fine"
	case o.state == late:
		return o.label + " has had no good backup for " + human.Duration(o.age)
	case o.state == unprotected && o.backups.ended() == 0:
		return o.label + " has had no backup in this window"
	case o.state == unprotected:
		return o.label + " has had no good backup in this window"
	case o.newest.outcome == flawed:
		return o.label + "'s newest backup finished with an exception"
	case o.newest.outcome == failed:
		return o.label + "'s newest backup failed"
	default:
		return o.label + "'s newest backup has an unknown status"
	}
}

// String returns a state in a word or two.
func (s state) String() string {
	return [...]string{"Fine", "Check", "Late", "Unprotected"}[s]
}

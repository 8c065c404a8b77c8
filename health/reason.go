package health

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
)

const (
	maxClauses  = 5   // organizations that Summary.Reason names
	maxNameText = 100 // characters of a name in a reason
	maxWhyText  = 200 // characters of an error in a reason
)

// ago returns a duration in whole hours or days, such as "31 days".
func ago(d time.Duration) string {
	const dayLong = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return plural(int64(d/time.Minute), "minute", "minutes")
	case d < 2*dayLong:
		return plural(int64(d/time.Hour), "hour", "hours")
	default:
		return plural(int64(d/dayLong), "day", "days")
	}
}

// limit returns a maximum as it was probably configured, such as "36 hours" or "1h30m0s".
func limit(d time.Duration) string {
	switch {
	case d%time.Hour != 0:
		return d.String()
	case d%(24*time.Hour) != 0:
		return plural(int64(d/time.Hour), "hour", "hours")
	default:
		return ago(d)
	}
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// clip returns a text on one line, without characters that control a terminal, and of at most limit characters.
func clip(s string, limit int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s))
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}

// reason returns the answer: what is wrong, worst first.
func (s *Summary) reason(unidentified int64) string {
	text := s.verdict()
	if unidentified > 0 {
		text += "; " + plural(unidentified, "backup names", "backups name") + " no organization"
	}
	if s.Incomplete != "" {
		text = "The list of jobs is incomplete (" + clip(s.Incomplete, maxWhyText) + "). " + text
	}
	return text
}

// verdict returns the answer about the organizations.
func (s *Summary) verdict() string {
	labels := s.Labels()
	var clauses []string
	bad := 0
	for i, o := range s.Organizations {
		if o.State == OK {
			continue
		}
		if bad++; bad <= maxClauses {
			clauses = append(clauses, labels[i]+" "+o.Reason)
		}
	}
	total := len(s.Organizations)
	if bad > maxClauses {
		clauses = append(clauses, fmt.Sprintf("and %d more", bad-maxClauses))
	}
	list := strings.Join(clauses, "; ")
	switch {
	case total == 0:
		return "No organization was seen"
	case bad == 0 && total == 1:
		return labels[0] + " is backed up"
	case bad == 0 && total == 2:
		return "Both organizations are backed up"
	case bad == 0:
		return fmt.Sprintf("All %d organizations are backed up", total)
	case total == 1:
		return list
	case bad == 1:
		return fmt.Sprintf("1 of %d organizations needs attention: %s", total, list)
	default:
		return fmt.Sprintf("%d of %d organizations need attention: %s", bad, total, list)
	}
}

// Labels returns how to show each organization, in their order: by its name, by its id if it has no name, and by both if another
// one has the same name. A label is one line of at most about 200 characters, without characters that control a terminal.
func (s *Summary) Labels() []string {
	names, count := make([]string, len(s.Organizations)), make(map[string]int)
	for i, o := range s.Organizations {
		names[i] = clip(o.Name, maxNameText)
		count[strings.ToLower(names[i])]++
	}
	labels := make([]string, len(names))
	for i, o := range s.Organizations {
		id := clip(o.ID, maxNameText)
		labels[i] = cmp.Or(names[i], id, "(no name)")
		if names[i] != "" && count[strings.ToLower(names[i])] > 1 {
			labels[i] += " (" + cmp.Or(id, "no id") + ")"
		}
	}
	return labels
}

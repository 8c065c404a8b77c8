// Package human formats values of the service for people: sizes, counts, durations, types and statuses, and text that fits a
// screen and cannot control a terminal.
package human

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// MinuteLayout is how times are shown, without their zone.
const MinuteLayout = "2006-01-02 15:04"

// SaturatingAdd adds numbers that are not negative; a sum that is too large is the maximum.
func SaturatingAdd[N ~int64](a, b N) N {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Bytes returns a size in binary units, such as "1.4 GiB".
func Bytes(n int64) string {
	const unit = 1024
	size, names := float64(n), []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	if math.Abs(size) < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	i := -1
	for math.Abs(size) >= unit-0.05 && i < len(names)-1 { // 1023.96 would show as 1024.0
		size /= unit
		i++
	}
	return fmt.Sprintf("%.1f %s", size, names[i])
}

// Count returns a number with thousands separators, such as "1,234,567".
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Plural returns a number and a noun that agrees with it.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return Count(n) + " " + one
	}
	return Count(n) + " " + many
}

// Duration returns a duration in its two largest units, such as "1h 5m" or "2d 3h"; a unit of zero is left out.
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 0 {
		return "-" + Duration(-max(d, -math.MaxInt64))
	}
	d = d.Round(time.Second)
	large, largeName, small, smallName := day, "d", time.Hour, "h"
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		large, largeName, small, smallName = time.Minute, "m", time.Second, "s"
	case d < day:
		large, largeName, small, smallName = time.Hour, "h", time.Minute, "m"
	}
	text := fmt.Sprintf("%d%s", d/large, largeName)
	if rest := d % large / small; rest > 0 {
		text += fmt.Sprintf(" %d%s", rest, smallName)
	}
	return text
}

// Text returns text on one line, without characters that could control a terminal.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}

// Clip returns Text shortened to at most limit characters, and marks that it did. It reads only the beginning of a long text,
// and keeps only the result in memory.
func Clip(s string, limit int) string {
	if len(s) <= limit && isPlain(s) {
		return strings.TrimSpace(s)
	}
	examined := min(len(s), limit*utf8.UTFMax*4)
	clipped := []rune(strings.TrimSpace(Text(s[:examined])))
	if examined < len(s) || len(clipped) > limit {
		clipped = append(clipped[:min(len(clipped), limit-1)], '…')
	}
	return string(clipped)
}

// isPlain reports whether a text is printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Type returns a type of job in words, such as "Audit backup".
func Type(t d365backup.JobType) string { return name(t) }

// Status returns a status in words, such as "Finished with exception".
func Status(s d365backup.JobStatus) string { return name(s) }

// TypeOf returns the type of a job in words, or the word of the service if the type is unknown.
func TypeOf(j d365backup.Job) string { return cmp.Or(ownWord(j.UnknownType), Type(j.Type)) }

// StatusOf returns the status of a job in words, or the word of the service if the status is unknown.
func StatusOf(j d365backup.Job) string { return cmp.Or(ownWord(j.UnknownStatus), Status(j.Status)) }

// ownWord returns a word of the service, short enough for a column.
func ownWord(s string) string { return Clip(s, 40) }

func name(value interface {
	fmt.Stringer
	Known() bool
}) string {
	const unknown = "Unknown"
	switch own := value.String(); {
	case value.Known():
		return words(own)
	case own == unknown:
		return unknown
	default:
		return unknown + " (" + own + ")"
	}
}

// words separates the words of a name in camel case.
func words(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Wrap breaks the lines of a text between words, so that none is wider than width; 0 means no limit.
func Wrap(s string, width int) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		if width <= 0 || text.StringWidth(line) <= width {
			lines = append(lines, line)
			continue
		}
		for part := range strings.SplitSeq(text.WrapSoft(line, width), "\n") {
			lines = append(lines, strings.TrimRight(part, " ")) // WrapSoft pads them
		}
	}
	return strings.Join(lines, "\n")
}

package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRecolourRefuses(t *testing.T) {
	const axis = `<path d="M 10 90\nL 190 90" style="stroke:rgb(1,2,4)"/>`
	days := newCalendar(now.AddDate(0, 0, -2), now, time.UTC)
	for name, svg := range map[string]string{
		"a colour of its own":    `<svg>` + axis + `<path d="M 0 0" style="fill:rgb(84,112,198)"/></svg>`,
		"an unknown element":     `<svg>` + axis + `<image x="0" style=""/></svg>`,
		"something that is not":  `<svg><path`,
		"no axis":                `<svg></svg>`,
		"an axis that is no one": `<svg><path d="M 10 90 L 190 80" style="stroke:rgb(1,2,4)"/></svg>`,
	} {
		if out, err := recolour(svg, days); err == nil {
			t.Errorf("%s became %q", name, out)
		}
	}
}

var (
	barPattern   = regexp.MustCompile(`M(\d+) \d+L(\d+) \d+L`)
	goodPattern  = regexp.MustCompile(`<path class="fill-good" d="([^"]*)"`)
	labelPattern = regexp.MustCompile(`<text class="(start|middle|end)" x="(\d+)" y="\d+">([^<]*)<`)
)

// TestLabelsNameTheirBars: under each label is the bar of the day, week, month or year that it names, and
// there are few enough labels to stand side by side.
func TestLabelsNameTheirBars(t *testing.T) {
	for _, length := range []int{1, 2, 5, 8, 14, 29, 30, 31, 61, 62, 90, 365, 430, 1000, 9000} {
		start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -length)
		days := newCalendar(start, start.AddDate(0, 0, length), time.UTC)
		buckets := make([]bucket, days.count)
		for i := range buckets {
			buckets[i].outcomes[good] = 1
		}
		chart, err := outcomeChart(buckets, days)
		if err != nil {
			t.Fatal(err)
		}
		bars := barPattern.FindAllStringSubmatch(goodPattern.FindStringSubmatch(string(chart))[1], -1)
		labels := labelPattern.FindAllStringSubmatch(string(chart), -1)
		if len(bars) != days.count || len(labels) == 0 || len(labels) > maxTicks {
			t.Fatalf("%d days: %d bars and %d labels for %d %ss", length, len(bars), len(labels), days.count, days.unit)
		}
		for n, l := range labels {
			var left, right, at int
			_, _ = fmt.Sscan(strings.Join(bars[n*days.step()][1:], " "), &left, &right)
			_, _ = fmt.Sscan(l[2], &at)
			if want := days.tick(n * days.step()); l[3] != want {
				t.Errorf("%d days: label %d is %q, want %q", length, n, l[3], want)
			}
			if l[1] == "middle" && (at < left || at > right) || l[1] == "start" && at > right {
				t.Errorf("%d days: %q stands at %d, and its bar from %d to %d", length, l[3], at, left, right)
			}
		}
	}
}

package browser

import (
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// scenarios are reports that are hard to draw, by name: their number of days, and their organizations.
var scenarios = map[string]struct {
	days          int
	organizations []string
}{
	"empty":  {30, nil},
	"one":    {30, []string{"Contoso"}},
	"day":    {1, []string{"Contoso", "Fabrikam"}},
	"year":   {365, []string{"Contoso", "Fabrikam"}},
	"months": {1200, []string{"Contoso"}},
	"decade": {3650, []string{"Contoso"}},
	"many":   {30, numbered(200)},
	"names": {14, []string{
		strings.Repeat("Contoso Very Long Name of a Holding ", 5),
		strings.Repeat("Donaudampfschifffahrt", 8),
		strings.Repeat("株式会社コントソ・ホールディングス", 5),
		"\u202eevil\u202c <script>document.title='ran'</script> <img src=//127.0.0.1/x> | `x` [y](http://127.0.0.1/)",
		"شركة كونتوسو القابضة", "", "a",
	}},
}

func numbered(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("Organization %03d", i+1))
	}
	return names
}

// scenarioFile writes the report of a scenario and returns its path.
func scenarioFile(t *testing.T, name string) string {
	t.Helper()
	s := scenarios[name]
	start := anchor.AddDate(0, 0, -s.days)
	return reportFile(t, history(start, s.organizations), start, start)
}

// history has a backup of each organization every six hours, of every outcome now and then.
func history(start time.Time, organizations []string) iter.Seq2[d365backup.Job, error] {
	return func(yield func(d365backup.Job, error) bool) {
		n := int64(0)
		for at := start.Add(time.Hour); at.Before(anchor); at = at.Add(6 * time.Hour) {
			for i, name := range organizations {
				n++
				j := d365backup.Job{
					Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFinished, JobID: fmt.Sprintf("DCIB%022d", n),
					StartTime: at, FinishTime: at.Add(time.Duration(20+n%50) * time.Minute), BackupSize: (900 + n%300) << 20,
					OrganizationID: fmt.Sprint("id-", i), OrganizationName: name, TotalRecord: 12345678,
				}
				switch {
				case n%7 == 3:
					j.Status, j.FailedRecord = d365backup.JobStatusFinishedWithException, n*n*1000
				case n%11 == 5:
					j.Status, j.FailedRecord = d365backup.JobStatusFailed, 1234567
				case n%29 == 9:
					j.Status = d365backup.JobStatus(1 << 30)
				}
				if !yield(j, nil) {
					return
				}
			}
		}
	}
}

// helpers are JavaScript functions that the checks below share.
const helpers = `
	const shown = e => e.checkVisibility() && e.getClientRects().length > 0;
	const rgb = c => c.match(/[\d.]+/g).map(Number);
	const clear = c => rgb(c).length === 4 && rgb(c)[3] === 0;
	const luminance = c => rgb(c).slice(0, 3).map(v => v / 255)
		.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const contrast = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
	const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!clear(c)) return c } return "rgb(255, 255, 255)" };
	const hasText = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
`

// pale lists texts and shapes whose contrast is lower than WCAG 2.2 AA requires: 4.5 for text, 3 for the shapes of a chart.
const pale = `(() => {` + helpers + `
	const bad = new Set();
	for (const e of document.querySelectorAll("body *")) {
		const style = getComputedStyle(e);
		if (hasText(e) && shown(e) && !e.closest("title, desc")) {
			const ratio = contrast(e.closest("svg") ? style.fill : style.color, behind(e));
			if (ratio < 4.5) bad.add("text of " + (e.className.baseVal ?? e.className) + " " + e.tagName + ": " + ratio.toFixed(2));
		}
		if (e.matches("svg :is(path, circle, rect):not(.grid, .slot, .cell-cross)")) {
			const ratio = contrast(style.fill === "none" ? style.stroke : style.fill, behind(e));
			if (ratio < 3) bad.add("shape " + e.className.baseVal + ": " + ratio.toFixed(2));
		}
	}
	return [...bad];
})()`

// crowded lists texts of charts that overlap another one or leave the page.
const crowded = `(() => {` + helpers + `
	const bad = [];
	for (const svg of document.querySelectorAll("svg.chart")) {
		const texts = [...svg.querySelectorAll("text")].map(e => [e.textContent, e.getBoundingClientRect()]);
		texts.forEach(([name, a], i) => {
			if (a.left < 0 || a.right > document.documentElement.clientWidth) bad.push(name + " leaves the page");
			for (const [other, b] of texts.slice(i + 1))
				if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom) bad.push(name + " overlaps " + other);
		});
	}
	return bad;
})()`

// TestEveryReportIsLegible checks each scenario at two widths, in light and dark mode.
func TestEveryReportIsLegible(t *testing.T) {
	p := openBrowser(t)
	for name := range scenarios {
		path := scenarioFile(t, name)
		for _, width := range []int64{1200, 390} {
			for _, scheme := range []string{"light", "dark"} {
				p.open("file://"+path, width, scheme)
				if wide := evaluate[int64](p, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s, %s, %d wide: the page is %d wide", name, scheme, width, wide)
				}
				checks := []string{crowded, pale}
				if width < 1200 {
					checks = checks[:1] // the colors are the same
				}
				for _, check := range checks {
					if bad := evaluate[[]string](p, check); len(bad) > 0 {
						t.Errorf("%s, %s, %d wide: %q", name, scheme, width, bad[:min(len(bad), 8)])
					}
				}
				if *pictures != "" {
					save(t, *pictures, name+"-"+scheme, width, shot(p))
				}
			}
		}
		if title := evaluate[string](p, `document.title`); !strings.HasPrefix(title, "Dynamics 365 backups: ") {
			t.Errorf("%s: the title is %q", name, title)
		}
	}
}

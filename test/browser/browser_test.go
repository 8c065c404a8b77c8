package browser

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/d365backup/d365backup/internal/golden"
)

var (
	chromium = flag.String("chromium", "chromium", "the browser's `command`")
	pictures = flag.String("pictures", "", "write pictures of the whole sample report, of every kind, to this `folder`")
)

// page is a tab of a browser that notes what is requested.
type page struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	requests []string
}

// openBrowser starts a browser with a profile of its own. It ends with the test.
func openBrowser(t *testing.T) *page {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(*chromium),
		chromedp.NoSandbox, // It shows nothing but our own file, and containers have no sandbox to give.
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(5*time.Minute), // A loaded machine starts it slowly.
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatalf("%s does not start: %v; install it (Debian: apt-get install --no-install-recommends chromium) "+
			"or name another one with -args -chromium", *chromium, err)
	}
	call(p, network.Enable, network.EnableParams{})
	return p
}

func (p *page) note(event any) {
	if request, ok := event.(*network.EventRequestWillBeSent); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.requests = append(p.requests, request.Request.URL)
	}
}

// requested returns what was requested so far.
func (p *page) requested() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

func call[P, R any](p *page, command cdp.Command[P, R], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatal(err)
	}
}

func run[T any](p *page, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, action)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

func evaluate[T any](p *page, expression string) T {
	p.t.Helper()
	return run(p, chromedp.Evaluate[T](expression))
}

// open shows a page in a window with this width and color scheme.
func (p *page) open(url string, width int64, scheme string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	run(p, chromedp.EmulateViewport(width, 900))
	run(p, chromedp.Navigate(url))
}

const sampleTitle = "Dynamics 365 backups: overdue (invented data)"

func TestReportLoadsNothing(t *testing.T) {
	path := sampleFile(t)
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var served []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		served = append(served, r.URL.Path)
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(body)
	}))
	defer server.Close()

	for _, url := range []string{"file://" + path, server.URL + "/report.html"} {
		p := openBrowser(t)
		p.open(url, 1200, "light")
		if title := run(p, chromedp.Title()); title != sampleTitle {
			t.Errorf("the title is %q", title)
		}
		if got := p.requested(); !slices.Equal(got, []string{url}) {
			t.Errorf("showing %s requested %q", url, got)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(served, []string{"/report.html"}) {
		t.Errorf("the server was asked for %q", served)
	}
}

// TestPolicyRefuses shows that the policy holds even if something got into a report.
func TestPolicyRefuses(t *testing.T) {
	body, err := os.ReadFile(sampleFile(t))
	if err != nil {
		t.Fatal(err)
	}
	foreign := `<script>document.title = "script ran"</script><img src="http://127.0.0.1:9/image" onerror="document.title = 'handler ran'">`
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, bytes.Replace(body, []byte("<main>"), []byte("<main>"+foreign), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	p := openBrowser(t)
	p.open("file://"+path, 1200, "light")
	if title := run(p, chromedp.Title()); title != sampleTitle {
		t.Errorf("the title is %q", title)
	}
	if !evaluate[bool](p, `document.querySelector("main > img").naturalWidth === 0`) {
		t.Error("the image was loaded")
	}
}

func TestReportFitsEveryWindow(t *testing.T) {
	path := sampleFile(t)
	p := openBrowser(t)
	paper := map[string]color.Color{}
	for _, width := range []int64{1200, 390} {
		for _, scheme := range []string{"light", "dark"} {
			p.open("file://"+path, width, scheme)
			if wide := evaluate[int64](p, `document.documentElement.scrollWidth`); wide > width {
				t.Errorf("%s, %d wide: the page is %d wide", scheme, width, wide)
			}
			if got, want := run(p, chromedp.Text("h1")), "2 of 6 organizations need attention"; !strings.HasPrefix(got, want) {
				t.Errorf("%s, %d wide: the heading is %q, not %q…", scheme, width, got, want)
			}
			const silent = `[...document.querySelectorAll("body *")].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible" &&
				getComputedStyle(e, "::before").content === "none" && e.checkVisibility() && getComputedStyle(e).position !== "absolute").length`
			if n := evaluate[int](p, silent); width < 1200 && n > 0 {
				t.Errorf("%s, %d wide: %d elements are cut off without a cue", scheme, width, n)
			}
			picture := shot(p)
			if *pictures != "" {
				save(t, *pictures, "sample-"+scheme, width, picture)
			}
			paper[scheme] = corner(t, picture)
		}
	}
	if bright(paper["light"]) < 0xe000 || bright(paper["dark"]) > 0x3000 {
		t.Errorf("the background is %v in light and %v in dark mode", paper["light"], paper["dark"])
	}
}

// shot takes a picture of the whole page.
func shot(p *page) []byte {
	p.t.Helper()
	return run(p, chromedp.FullScreenshot(100))
}

func save(t *testing.T, folder, name string, width int64, picture []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

func corner(t *testing.T, shot []byte) color.Color {
	t.Helper()
	image, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	return image.At(2, 2)
}

func bright(c color.Color) uint32 {
	r, g, b, _ := c.RGBA()
	return (r + g + b) / 3
}

// TestChartsShow checks that the style sheet reaches every shape: none is left in the browser's black,
// and the text of the charts can be read at both widths.
func TestChartsShow(t *testing.T) {
	p := openBrowser(t)
	path := sampleFile(t)
	for _, width := range []int64{1200, 390} {
		p.open("file://"+path, width, "light")
		const unpainted = `[...document.querySelectorAll("svg :is(path, circle, rect, text)")].filter(e => {
			const s = getComputedStyle(e)
			return s.fill === "rgb(0, 0, 0)" || s.fill === "none" && s.stroke === "none"
		}).length`
		if n := evaluate[int](p, unpainted); n > 0 {
			t.Errorf("%d wide: %d shapes have no color of their own", width, n)
		}
		const smallest = `Math.min(...[...document.querySelectorAll("svg.chart text")].map(e => e.getBoundingClientRect().height))`
		if h := evaluate[float64](p, smallest); h < 9 {
			t.Errorf("%d wide: the smallest text of a chart is %.1f pixels high", width, h)
		}
	}
}

func TestReportIsAccessible(t *testing.T) {
	p := openBrowser(t)
	p.open("file://"+sampleFile(t), 1200, "light")
	for what, expression := range map[string]string{
		"charts without role, title or description": `[...document.querySelectorAll("svg.chart")].filter(e =>
			e.getAttribute("role") !== "img" || e.getAttribute("aria-labelledby").split(" ").some(id => !document.getElementById(id)?.textContent.trim())).length`,
		"drawings that are neither a chart nor hidden": `document.querySelectorAll("svg:not(.chart, [aria-hidden=true])").length`,
		"strips without words":                         `[...document.querySelectorAll(".days")].filter(e => e.getAttribute("role") !== "img" || !/success.*: \d+ day/.test(e.ariaLabel)).length`,
		"tables without caption":                       `[...document.querySelectorAll("table")].filter(e => !e.caption?.textContent.trim()).length`,
		"header cells without scope":                   `document.querySelectorAll("th:not([scope])").length`,
		"sections without heading":                     `[...document.querySelectorAll("section")].filter(e => !e.ariaLabel && !document.getElementById(e.getAttribute("aria-labelledby"))).length`,
		"links to nowhere":                             `[...document.querySelectorAll("a")].filter(e => !document.querySelector(e.getAttribute("href"))).length`,
		"ids that occur twice":                         `(ids => ids.length - new Set(ids).size)([...document.querySelectorAll("[id]")].map(e => e.id))`,
		"first headings beyond the one":                `document.querySelectorAll("h1").length - 1`,
		"scrolling areas without keyboard":             `document.querySelectorAll(".scroll:not([tabindex='0'])").length`,
	} {
		if n := evaluate[int](p, expression); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	if n := evaluate[int](p, `document.querySelectorAll("svg.chart").length`); n != 18 {
		t.Errorf("there are %d charts, not 3 for each of 6 organizations", n)
	}
	if n := evaluate[int](p, `document.querySelectorAll(".strip use").length`); n != 6*31 {
		t.Errorf("there are %d days, not 31 for each of 6 organizations", n)
	}
}

func TestReportPrints(t *testing.T) {
	p := openBrowser(t)
	p.open("file://"+sampleFile(t), 1200, "dark")
	pdf := run(p, chromedp.PrintToPDF())
	pages := bytes.Count(pdf, []byte("/Type /Page\n"))
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || pages < 3 || pages > 12 {
		t.Errorf("the printed report has %d bytes, %d pages", len(pdf), pages)
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media:    "print",
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	if got := evaluate[string](p, `getComputedStyle(document.body).backgroundColor`); got != "rgb(255, 255, 255)" {
		t.Errorf("in dark mode, the report prints on %s", got)
	}
	if n := evaluate[int](p, `[...document.querySelectorAll("details table")].filter(e => e.getClientRects().length > 0 && e.checkVisibility()).length`); n != 6 {
		t.Errorf("the figures of %d organizations are printed, not of 6", n)
	}
	if *pictures != "" {
		if err := os.WriteFile(filepath.Join(*pictures, "print.pdf"), pdf, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPicture takes the picture for the README, which make golden saves. Other fonts and browsers draw it differently, so it is not compared.
func TestPicture(t *testing.T) {
	p := openBrowser(t)
	p.open("file://"+sampleFile(t), 1200, "light")
	run(p, chromedp.EmulateViewport(1200, 1112)) // down to the end of the table
	shot := run(p, chromedp.CaptureScreenshot())
	if len(shot) > 300_000 {
		t.Errorf("the picture has %d bytes", len(shot))
	}
	if golden.Updating() {
		if err := os.WriteFile("../../docs/report.png", shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

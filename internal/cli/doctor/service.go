package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// window is how far back the first page looks.
const window = 30 * 24 * time.Hour

func (s *state) ask(ctx context.Context, client *d365backup.Client) (*d365backup.Page, error) {
	return client.Page(ctx, d365backup.Query{Start: time.Now().Add(-window)}, 1)
}

// lookAtConfiguration makes the client and learns from it where it would go.
func lookAtConfiguration(ctx context.Context, s *state) result {
	s.recorder = &recorder{next: s.probe.transport}
	settings, closeService, err := s.open()
	if err == nil {
		s.settings, s.close = settings, closeService
		s.client, err = s.newClient(s.recorder)
	}
	if err != nil {
		return fail("configuration", "not valid", sentence(s.app.Explain(err)))
	}
	base, err := s.baseURL()
	if err != nil {
		return fail("unknown", "no address", sentence(err.Error()))
	}
	_, err = s.ask(ctx, s.client) // which fails: the recorder holds everything back
	token, _ := s.recorder.seen()
	if token.url == nil {
		return s.failure("unknown", err)
	}
	if variable := httpfail.BadProxy(s.probe.getenv); variable != "" && (token.url.Scheme == "https" || base.Scheme == "https") {
		return fail("proxy-setting", "not valid", variable+" is not the address of a proxy.")
	}
	for _, h := range []struct {
		to  **host
		url *url.URL
	}{{&s.tokenHost, token.url}, {&s.apiHost, base}} {
		if *h.to, err = newHost(h.url, s.probe); err != nil {
			return fail("proxy-setting", "not valid", sentence(err.Error()))
		}
	}
	s.apiHost.same = s.apiHost.url.Scheme == s.tokenHost.url.Scheme && s.apiHost.url.Host == s.tokenHost.url.Host
	if strings.HasPrefix(base.Host, "graph-gcp-") {
		return warn("google-cloud", s.describe(), base.Host+" is in Google Cloud.")
	}
	return passed(s.describe())
}

func (s *state) newClient(through http.RoundTripper, more ...d365backup.Option) (*d365backup.Client, error) {
	options := append([]d365backup.Option{
		d365backup.WithHTTPClient(&http.Client{Transport: through}),
		// A fault that comes and goes shall show.
		d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1, AttemptTimeout: s.probe.patience}),
		d365backup.WithDriftHandler(func(d d365backup.Drift) { s.drift += d.Count }),
		d365backup.WithAPI(s.api()), // exactly one: tryOther tries the other
	}, more...)
	return s.settings.Client(options...)
}

// baseURL asks the client, which alone knows what the settings lead to.
func (s *state) baseURL() (*url.URL, error) {
	raw, found := s.client.Raw().ClientInterface.(*generated.Client)
	if !found {
		return nil, errors.New("the client does not tell its address")
	}
	return url.Parse(raw.Server)
}

// describe says what was chosen, and where.
func (s *state) describe() string {
	parts := []string{"base URL " + strings.TrimSuffix(s.apiHost.url.String(), "/") + s.from("base-url")}
	if code := s.settings.Get("data-center"); code != "" {
		parts[0] = "data centre " + code + s.from("data-center")
	}
	if s.settings.Get("token-url") != "" {
		parts = append(parts, "token URL"+s.from("token-url"))
	}
	if s.settings.Get("certificate") != "" {
		parts = append(parts, "certificate"+s.from("certificate"))
	} else {
		parts = append(parts, "client secret"+s.from("client-secret")+s.from("client-secret-file"))
	}
	return strings.Join(append(parts, "API "+cmp.Or(s.settings.Get("api"), string(d365backup.APIAuto))+s.from("api")), ", ")
}

func (s *state) from(setting string) string {
	if origin := s.settings.Origin(setting); origin != "" {
		return " (" + origin + ")"
	}
	return ""
}

// api returns the API to try first.
func (s *state) api() d365backup.API {
	if s.settings.Get("api") == string(d365backup.APIGraph) {
		return d365backup.APIGraph
	}
	return d365backup.APIv1
}

// tolerable is how far clocks may be apart before it is worth a word; most token endpoints allow five
// minutes.
const tolerable = time.Minute

// lookAtClock compares the clocks. A difference stops nothing by itself: with a client secret all may
// work.
func lookAtClock(ctx context.Context, s *state) result {
	h := s.tokenHost
	if !h.greeted {
		h.greet(ctx, s.probe)
	}
	if h.skew == nil {
		return result{status: skipped, detail: h.url.Host + " does not tell its time"}
	}
	apart := h.skew.Abs().Round(time.Second)
	if apart <= 2*time.Second { // what whole seconds and the way can make
		return passed("as that of " + h.url.Host)
	}
	way := "behind"
	if *h.skew < 0 {
		way = "ahead of"
	}
	detail := fmt.Sprintf("%s %s that of %s", human.Duration(apart), way, h.url.Host)
	if apart <= tolerable {
		return passed(detail)
	}
	s.skewed = true
	return warn("clock", detail, "The clock of this machine is "+detail+".")
}

// lookAtToken gets a token, and nothing else.
func lookAtToken(ctx context.Context, s *state) result {
	s.recorder.allow(tokens)
	_, err := s.ask(ctx, s.client)
	if errors.Is(err, errHeld) { // so there is a token, to go on with
		return passed("given by " + s.tokenHost.url.Host)
	}
	s.token = err
	code := reasonOf(err)
	if code == "scope" {
		return passed("the credentials are not what is refused")
	}
	if code != "certificate-not-registered" || !s.skewed {
		return s.failure(code, err)
	}
	r := s.failure("clock", err)
	r.finding.evidence = append(r.finding.evidence, "The certificate's signed request carries the time of this machine, "+
		"which differs; a certificate that is not registered would look the same.")
	return r
}

// reasonOf returns the code of the diagnosis for an error of the client.
func reasonOf(err error) string {
	if own, ok := errors.AsType[*d365backup.Error](err); ok && own.Reason != "" {
		return own.Reason
	}
	return "unknown"
}

// lookAtScope tells a refused scope from refused credentials.
func lookAtScope(_ context.Context, s *state) result {
	asked := cmp.Or(s.settings.Get("scope"), d365backup.DefaultScope)
	if s.token == nil {
		return passed(asked + " is granted")
	}
	r := s.failure("scope", s.token)
	r.detail = asked + " is refused"
	return r
}

// lookAtOperation sends the request for the first page, and judges whether the operation is there.
func lookAtOperation(ctx context.Context, s *state) result {
	s.recorder.allow(everything)
	began := time.Now()
	s.page, s.err = s.ask(ctx, s.client)
	ended := time.Now()
	_, api := s.recorder.seen()
	code := ""
	if s.err != nil {
		code = reasonOf(s.err)
	}
	if s.err == nil || api.status == http.StatusOK && aboutPage[code] {
		s.read = ended.Sub(api.answered)
		r := passed(fmt.Sprintf("%s %s responds", api.method, api.url.Path))
		r.took = api.answered.Sub(began)
		return r
	}
	r := s.failure(code, s.err)
	if api.html && code != "login-page" {
		r.finding.evidence = append(r.finding.evidence, "The response is a web page, so it may come from something in between.")
	}
	if code == "not-found" {
		return s.tryOther(ctx, r)
	}
	return r
}

// aboutPage are the reasons that are for the first page to tell, if the operation responds.
var aboutPage = map[string]bool{"not-jobs": true, "truncated": true, "too-large": true, "unknown": true}

// tryOther asks the other API of the same host, which tells a replaced path from the rest.
func (s *state) tryOther(ctx context.Context, r result) result {
	other, replaced := d365backup.APIGraph, "v1-replaced"
	if s.api() == d365backup.APIGraph {
		other, replaced = d365backup.APIv1, "no-successor"
	}
	if strings.HasPrefix(s.settings.Get("data-center"), "gcp-") {
		r.finding.evidence = append(r.finding.evidence,
			"The vendor does not list Dynamics 365 backup among the products in its Google Cloud data centers.")
	}
	r.finding.evidence = append(r.finding.evidence, "The token endpoint knows the app, so client id, credentials and environment are right.")
	recorder := &recorder{next: s.probe.transport, due: everything}
	client, err := s.newClient(recorder, d365backup.WithAPI(other))
	if err != nil {
		return r
	}
	page, err := s.ask(ctx, client)
	_, api := recorder.seen()
	note := fmt.Sprintf("The other API was requested, too: %s %s responds with status %d.", api.method, path(api.url), api.status)
	switch setting := s.settings.Get("api"); {
	case err == nil && (setting == "" || setting == string(d365backup.APIAuto)): // then the commands use the other API
		s.client, s.page, s.err = client, page, nil
		return warn(replaced, fmt.Sprintf("%s %s responds, version v1 does not", api.method, api.url.Path), note)
	case err == nil:
		r.finding.diagnosis = find(replaced)
	case api.status == http.StatusForbidden:
		r.finding.diagnosis = find("missing-permission")
	case api.status == http.StatusNotFound:
		// So a replaced path is not the reason, or not the only one.
		r.finding.alike = slices.DeleteFunc(slices.Clone(r.finding.alike), func(code string) bool { return code == "v1-replaced" })
	case api.status == 0:
		note = "The other API was requested, too, and did not respond."
	}
	r.finding.evidence = append(r.finding.evidence, note)
	return r
}

func path(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Path
}

// lookAtPage judges what the operation answered.
func lookAtPage(_ context.Context, s *state) result {
	var r result
	if s.err == nil {
		r = s.readPage()
	} else {
		r = s.failure(reasonOf(s.err), s.err)
	}
	r.took = s.read
	return r
}

func (s *state) readPage() result {
	total := s.page.TotalCount
	if total < 0 {
		total = int64(len(s.page.Jobs))
	}
	detail := human.Plural(total, "job", "jobs") + " in the last 30 days"
	if total == 0 && len(s.page.Jobs) == 0 {
		return warn("no-jobs", detail)
	}
	if s.drift > 0 {
		detail += fmt.Sprintf("; understood, though it departs from the contract in %s", human.Plural(int64(s.drift), "place", "places"))
	}
	return passed(detail)
}

// failure makes a result of an error of the client.
func (s *state) failure(code string, err error) result {
	own, found := errors.AsType[*d365backup.Error](err)
	if !found {
		return fail(code, "failed", sentence(fmt.Sprint(err)))
	}
	r := fail(code, own.Message, facts(own)...)
	r.finding.err = own
	if own.StatusCode != 0 {
		r.detail = fmt.Sprintf("status %d from %s", own.StatusCode, own.Host)
	}
	return r
}

// facts are what is known of a failure. What to do is the diagnosis's to say.
func facts(err *d365backup.Error) []string {
	seen := []string{sentence(err.Message)}
	known := fmt.Sprintf("%s responded with status %d", err.Host, err.StatusCode)
	if err.RequestID != "" {
		known += ", request id " + err.RequestID
	}
	if err.RetryAfter > 0 {
		known += ", retry after " + err.RetryAfter.String()
	}
	if err.StatusCode != 0 {
		seen = append(seen, sentence(known))
	}
	switch {
	case err.ServiceMessage != "":
		seen = append(seen, "The service says: "+human.Text(err.ServiceMessage))
	case err.Excerpt != "":
		seen = append(seen, "The response begins: "+human.Text(err.Excerpt[:min(len(err.Excerpt), maxQuote)]))
	}
	return seen
}

// maxQuote is how much of an answer a person wants to read.
const maxQuote = 300

// sentence makes a sentence of an error's text.
func sentence(text string) string {
	text = human.Text(text)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// configuration is the name of the step whose failure is a usage error.
const configuration = "configuration"

// checkConfiguration creates the client and finds out which hosts it will connect to.
func (d *doctor) checkConfiguration(err error) step {
	d.stopwatch = &stopwatch{next: d.transport}
	if err == nil {
		d.client, err = d.newClient(d.stopwatch, d.api())
	}
	if err != nil {
		return fail(configuration, configuration, "invalid", sentence(d.app.Explain(err)))
	}
	secure := strings.HasPrefix(d.client.BaseURL()+d.client.TokenURL(), "https:")
	if variable := httpfail.BadProxy(d.app.Getenv); variable != "" && secure {
		return fail(configuration, "proxy-setting", "invalid", variable+" is not the address of a proxy.")
	}
	if d.tokenHost, err = newHost(d.client.TokenURL(), d.transport, d.app.Getenv); err == nil {
		d.apiHost, err = newHost(d.client.BaseURL(), d.transport, d.app.Getenv)
	}
	if err != nil {
		return fail(configuration, "proxy-setting", "invalid", sentence(err.Error()))
	}
	if d.isGoogleCloud() {
		return warn(configuration, "google-cloud", d.describe(), d.apiHost.url.Host+" is in Google Cloud.")
	}
	return pass(configuration, d.describe())
}

func (d *doctor) isGoogleCloud() bool { return strings.HasPrefix(d.apiHost.url.Host, "graph-gcp-") }

func (d *doctor) newClient(transport http.RoundTripper, api d365backup.API) (*d365backup.Client, error) {
	return d.profile.Client(
		cmdutil.UserAgent,
		d365backup.WithHTTPClient(&http.Client{Transport: transport}),
		d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1, AttemptTimeout: d.timeout}), // show faults that come and go
		d365backup.WithDriftHandler(func(drift d365backup.Drift) { d.drift += drift.Count }),
		d365backup.WithAPI(api), // never APIAuto: tryOther requests the other one
	)
}

func (d *doctor) setting(name string) string {
	value, _ := d.profile.Get(name)
	return value
}

// api returns the API that is requested first.
func (d *doctor) api() d365backup.API {
	if d.setting("api") == string(d365backup.APIGraph) {
		return d365backup.APIGraph
	}
	return d365backup.APIv1
}

// describe lists the settings and where they were set.
func (d *doctor) describe() string {
	from := func(setting string) string {
		switch _, origin := d.profile.Get(setting); {
		case origin == "":
			return ""
		case d.connection.Sandbox() && setting != "api":
			return " (--sandbox)"
		default:
			return " (" + origin + ")"
		}
	}
	place := "base URL " + d.client.BaseURL() + from("base-url")
	if code := d.setting("data-center"); code != "" {
		place = "data center " + code + from("data-center")
	}
	if d.setting("token-url") != "" {
		place += ", token URL" + from("token-url")
	}
	credentials := "client secret" + from("client-secret") + from("client-secret-file")
	if d.setting("certificate") != "" {
		credentials = "certificate" + from("certificate")
	}
	return fmt.Sprintf("%s, %s, API %s%s", place, credentials, cmp.Or(d.setting("api"), string(d365backup.APIAuto)), from("api"))
}

// checkClock compares the clocks. A difference alone is no failure: with a client secret everything may work.
func (d *doctor) checkClock() step {
	const name, tolerance = "clock", time.Minute // most token endpoints allow five
	server := d.tokenHost.url.Host
	if d.tokenHost.clock == nil {
		return skip(name, server+" does not send its time")
	}
	apart := d.tokenHost.clock.Abs().Round(time.Second)
	if apart <= 2*time.Second { // the accuracy of the measurement
		return pass(name, "same as that of "+server)
	}
	direction := "behind"
	if *d.tokenHost.clock < 0 {
		direction = "ahead of"
	}
	detail := fmt.Sprintf("%s %s that of %s", human.Duration(apart), direction, server)
	if apart <= tolerance {
		return pass(name, detail)
	}
	d.clockOff = true
	return warn(name, "clock", detail, "The clock of this machine is "+detail+".")
}

// stopwatch notes when the last request to the API was sent, and when the headers of the response arrived.
type stopwatch struct {
	next http.RoundTripper

	mu              sync.Mutex
	sent, responded time.Time
}

// RoundTrip sends the request. Only requests to the API have a token.
func (s *stopwatch) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" {
		return s.next.RoundTrip(r)
	}
	s.note(&s.sent)
	defer s.note(&s.responded)
	return s.next.RoundTrip(r)
}

func (s *stopwatch) note(at *time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*at = time.Now()
}

// checkService reads the first page, and returns the steps that its request and its response went through.
func (d *doctor) checkService(ctx context.Context) []step {
	start := time.Now()
	page, err := firstPage(ctx, d.client)
	end := time.Now()
	d.stopwatch.mu.Lock()
	defer d.stopwatch.mu.Unlock()
	sent, responded := d.stopwatch.sent, d.stopwatch.responded
	if sent.IsZero() { // so there is no token
		return d.failToken(err, end.Sub(start))
	}
	steps := []step{
		pass("token", "issued by "+d.tokenHost.url.Host).after(sent.Sub(start)),
		pass("scope", d.scope()+" is granted"),
	}
	operation := pass("operation", d.operation(d.api())+" responds")
	if err != nil && !isAboutPage(err) {
		if operation, page = d.failOperation(ctx, err); page == nil {
			return append(steps, operation.after(end.Sub(sent)))
		}
		err = nil
	}
	return append(steps, operation.after(responded.Sub(sent)), d.readPage(page, err).after(end.Sub(responded)))
}

func firstPage(ctx context.Context, client *d365backup.Client) (*d365backup.Page, *d365backup.Error) {
	page, err := client.Page(ctx, d365backup.Query{Start: time.Now().AddDate(0, 0, -30)}, 1)
	if err == nil {
		return page, nil
	}
	clientErr, ok := errors.AsType[*d365backup.Error](err)
	if !ok { // every error of the client is one
		clientErr = &d365backup.Error{Message: err.Error()}
	}
	return nil, clientErr
}

func (d *doctor) scope() string { return cmp.Or(d.setting("scope"), d365backup.DefaultScope) }

func (d *doctor) operation(api d365backup.API) string {
	method, path := api.Operation()
	return method + " " + d.apiHost.url.Path + path
}

// failToken tells a refused scope, and a refused signature because of the clock, from refused credentials.
func (d *doctor) failToken(err *d365backup.Error, took time.Duration) []step {
	s := failWith("token", err).after(took)
	switch {
	case err.Reason == string(httpfail.Scope):
		s.Name, s.finding.Step, s.Detail = "scope", "scope", d.scope()+" is refused"
		return []step{pass("token", "the credentials are accepted"), s}
	case err.Reason == string(httpfail.CertificateRefused) && d.clockOff:
		s.finding.diagnose("clock")
		s.finding.addEvidence("The signed request contains the time of this machine, which is wrong; a certificate that is not registered would look the same.")
	}
	return []step{s}
}

// isAboutPage reports whether the operation responded, but not with a page of jobs.
func isAboutPage(err *d365backup.Error) bool {
	return err.StatusCode == http.StatusOK &&
		slices.Contains([]string{"", string(httpfail.NotJobs), string(httpfail.Truncated), string(httpfail.TooLarge)}, err.Reason)
}

// failOperation explains why the operation failed. If its replacement responded, it returns that page.
func (d *doctor) failOperation(ctx context.Context, err *d365backup.Error) (step, *d365backup.Page) {
	s := failWith("operation", err)
	if strings.HasPrefix(strings.TrimSpace(err.Excerpt), "<") && err.Reason != string(httpfail.LoginPage) {
		s.finding.addEvidence("The response is a web page, so it may be from a proxy or a gateway.")
	}
	if err.Reason != string(httpfail.NotFound) {
		return s, nil
	}
	if d.isGoogleCloud() {
		s.finding.addEvidence("The vendor does not list Dynamics 365 backup among the products in its Google Cloud data centers.")
	}
	s.finding.addEvidence("The token endpoint knows the app, so client id, credentials and environment are right.")
	return d.tryOther(ctx, s)
}

// tryOther requests the other API of the same host, which tells a replaced operation from other causes.
func (d *doctor) tryOther(ctx context.Context, s step) (step, *d365backup.Page) {
	other, replaced := d365backup.APIGraph, "v1-replaced"
	if d.api() == d365backup.APIGraph {
		other, replaced = d365backup.APIv1, "no-successor"
	}
	client, err := d.newClient(d.transport, other)
	if err != nil {
		return s, nil
	}
	page, failure := firstPage(ctx, client)
	status := http.StatusOK
	if failure != nil {
		status = failure.StatusCode
	}
	s.finding.addEvidence(fmt.Sprintf("The other API was requested, too: %s responds with status %d.", d.operation(other), status))
	switch setting := d.setting("api"); status {
	case http.StatusOK:
		s.finding.diagnose(replaced)
		if page != nil && setting != string(d.api()) { // APIAuto: the other commands use the successor
			s.Status, s.Detail = warning, d.operation(other)+" responds, version v1 does not"
			s.finding.Request = nil
			return s, page
		}
	case http.StatusForbidden:
		s.finding.diagnose("missing-permission")
	case http.StatusNotFound: // so a replaced operation is not the only cause
		s.finding.Alike = slices.DeleteFunc(s.finding.Alike, func(a alternative) bool { return a.Code == "v1-replaced" })
	case 0:
		s.finding.Evidence[len(s.finding.Evidence)-1] = "The other API was requested, too, and did not respond."
	}
	return s, nil
}

// readPage is the step of the page.
func (d *doctor) readPage(page *d365backup.Page, err *d365backup.Error) step {
	const name = "first page"
	if err != nil {
		return failWith(name, err)
	}
	total := max(page.TotalCount, int64(len(page.Jobs)))
	detail := human.Plural(total, "job", "jobs") + " in the last 30 days"
	if total == 0 {
		return warn(name, "no-jobs", detail)
	}
	if d.drift > 0 {
		detail += "; understood, with " + human.Plural(int64(d.drift), "deviation", "deviations") + " from the contract"
	}
	return pass(name, detail)
}

// facts returns what is known of a failure, as sentences.
func facts(err *d365backup.Error) []string {
	const maxQuote = 300
	known := []string{sentence(err.Message)}
	if err.StatusCode != 0 {
		text := fmt.Sprintf("%s responded with status %d", err.Host, err.StatusCode)
		if err.RequestID != "" {
			text += ", request id " + err.RequestID
		}
		if err.RetryAfter > 0 {
			text += ", retry after " + human.Duration(err.RetryAfter)
		}
		known = append(known, sentence(text))
	}
	switch {
	case err.ServiceMessage != "":
		known = append(known, "The service says: "+human.Text(err.ServiceMessage))
	case err.Excerpt != "":
		known = append(known, "The response begins: "+human.Text(err.Excerpt[:min(len(err.Excerpt), maxQuote)]))
	}
	return known
}

// sentence turns the text of an error into a sentence.
func sentence(text string) string {
	text = human.Text(text)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

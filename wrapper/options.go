package d365backup

import (
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/auth"
)

// Option configures a Client. New checks them all; where one is given twice, the last one counts. A nil
// Option and a value out of range are errors of New that match ErrConfig.
type Option func(*config)

type config struct {
	dataCenter, baseURL, tokenURL string
	api                           API
	scope, mediaType              string
	credential                    auth.Credential
	credentialOption              string // which gave it
	otherCredentialOption         string // one of another kind, which is an error
	reload                        func() (Option, error)
	hasReload                     bool
	httpClient                    *http.Client
	product                       string
	loopbackHTTP                  bool
	pageSize, prefetch            int
	maxInFlight                   int
	retry                         RetryPolicy
	timeout                       time.Duration
	maxResponseBytes              int64
	logger                        *slog.Logger
	onDrift                       func(Drift)
	onProgress                    func(Progress)
}

func defaults() config {
	return config{
		api:              APIAuto,
		scope:            DefaultScope,
		mediaType:        MediaTypeJSON,
		pageSize:         DefaultPageSize,
		prefetch:         DefaultPrefetch,
		maxInFlight:      DefaultMaxInFlight,
		timeout:          DefaultTimeout,
		maxResponseBytes: DefaultMaxResponseBytes,
	}
}

// What a Client does where no option says otherwise.
const (
	// DefaultScope is the scope asked for, as version v1 spells it.
	DefaultScope = "Dynamics.ReadWrite.All"
	// DefaultPageSize is the number of jobs asked for on a page. The service's own default is 10; it
	// documents no upper limit.
	DefaultPageSize = 100
	// DefaultPrefetch is the number of page requests that Jobs keeps in flight.
	DefaultPrefetch = 4
	// DefaultMaxInFlight is the number of page requests that one Client sends at a time.
	DefaultMaxInFlight = 16
	// DefaultTimeout bounds the reading of one page with all its attempts.
	DefaultTimeout = 5 * time.Minute
	// DefaultMaxResponseBytes bounds an answer after decompression: 32 MiB.
	DefaultMaxResponseBytes = 32 << 20
)

// The request media types of version v1. WithMediaType takes these and every concrete type that
// ends in +json.
const (
	// MediaTypeJSON is that of RFC 8259, and the default.
	MediaTypeJSON = "application/json"
	// MediaTypeTextJSON is the other one that version v1 names beside it.
	MediaTypeTextJSON = "text/json"
)

// WithDataCenter asks the data centre with this code, such as "us"; see DataCenters. It also tells
// the token endpoint. A Client needs this or WithBaseURL: the service has no default, and a wrong
// one answers 404 like a missing permission.
func WithDataCenter(code string) Option { return func(c *config) { c.dataCenter = code } }

// WithBaseURL asks the API at this address, such as "https://graph.avepointonlineservices.com". It
// must be https (see WithLoopbackHTTP) without query, fragment or user. An address that is not the vendor's also needs
// WithTokenURL or WithTokenSource.
func WithBaseURL(url string) Option { return func(c *config) { c.baseURL = url } }

// WithTokenURL takes tokens from this endpoint in place of the one that belongs to the data centre.
// It must be https (see WithLoopbackHTTP) without query, fragment or user. With WithTokenSource it is not
// used.
func WithTokenURL(url string) Option { return func(c *config) { c.tokenURL = url } }

// WithLoopbackHTTP allows plain http to loopback addresses (127.0.0.0/8, ::1, localhost), for tests
// and the sandbox. Other addresses still need https.
func WithLoopbackHTTP() Option { return func(c *config) { c.loopbackHTTP = true } }

// WithClientSecret authenticates by the client id and secret of an app registered in AvePoint Online
// Services. Both go in the form body of the token request, to the token endpoint only.
func WithClientSecret(id, secret string) Option {
	return func(c *config) { c.setCredential("WithClientSecret", auth.NewClientSecret(id, secret)) }
}

// WithCertificate authenticates by the client id of such an app and the certificate registered with
// it: every token request carries a fresh JWT signed with its key (RFC 7523, RS256). Load it with
// LoadCertificate.
func WithCertificate(id string, certificate *Certificate) Option {
	return func(c *config) {
		credential := auth.ClientCertificate{ClientID: id}
		if certificate != nil {
			credential.Certificate = certificate.inner
		}
		c.setCredential("WithCertificate", credential)
	}
}

// WithTokenSource authenticates by tokens from elsewhere. The source should cache: it is asked
// before every request, by several goroutines at once. It has no context: a call whose context ends
// returns at once and leaves the source to finish on its own. It must not panic, for nobody could recover
// from that. What its errors say is not repeated in those of this package.
func WithTokenSource(source oauth2.TokenSource) Option {
	return func(c *config) { c.setCredential("WithTokenSource", auth.TokenSource{Source: source}) }
}

// WithCredentialReload calls load when the token endpoint refuses the credential, or when the certificate has expired, so
// that a program that runs for months survives the rotation of its secret. Load returns WithClientSecret or WithCertificate
// with what a file or a vault holds now. If that is another credential than before, it is used at once and from then on.
// If it is the same, or load fails, the refusal is the error. Load is called by one goroutine at a time while others wait
// for the token, so it should take seconds at most. It must not panic, for nobody could recover from that. Nothing of its
// error is repeated. It is for WithClientSecret and WithCertificate, one of which is needed as well. Default: credentials
// are never replaced.
func WithCredentialReload(load func() (Option, error)) Option {
	return func(c *config) { c.reload, c.hasReload = load, true }
}

// WithScope asks for this scope in place of DefaultScope. The vendor's pages also spell it
// "dynamics.readwrite.all". Ask for one scope alone: the vendor reports that this one did not work
// beside others.
func WithScope(scope string) Option { return func(c *config) { c.scope = scope } }

// WithAPI lists jobs by this operation: APIAuto (the default), which is version v1 or, if that is not found,
// its successor; or exactly one of them, APIv1 or APIGraph. Query, Job, Page and Jobs are the same for both;
// Query.ObjectType and WithMediaType are for version v1 alone.
func WithAPI(api API) Option { return func(c *config) { c.api = api } }

// WithMediaType sends requests with this media type: MediaTypeJSON (the default), MediaTypeTextJSON,
// or one that ends in +json such as "application/vnd.example+json". Any but the default
// is for version v1 alone: APIAuto then does not try the successor, and with APIGraph it is refused.
func WithMediaType(mediaType string) Option { return func(c *config) { c.mediaType = mediaType } }

// WithHTTPClient sends requests, those for tokens included, through the Transport of this client, and
// bounds each page request by its Timeout; nothing else of it is used, and it is not changed. A nil Transport
// means the transport that all Clients share. An *http.Transport that skips the verification of
// certificates or allows TLS below 1.2 is refused; other implementations cannot be looked into and
// are trusted. Neither can one with DialTLSContext or DialTLS: it makes TLS connections by itself, so that nothing here can
// know whether they are verified. NewTransport makes one to start from. One made otherwise needs a TLSHandshakeTimeout
// (net/http continues a handshake that outlasts its request), HTTP/2 pings (see NewTransport), and OnProxyConnectResponse if it
// uses a proxy whose refusals are to be told apart: its error is passed on.
func WithHTTPClient(client *http.Client) Option { return func(c *config) { c.httpClient = client } }

// WithUserAgent puts a product such as "example-monitor/1.4" in front of this package's own in the User-Agent header of
// every request, those for tokens included: at most 256 printable ASCII characters. Default: this package's own alone,
// "d365backup/" with the version of this module.
func WithUserAgent(product string) Option { return func(c *config) { c.product = product } }

// WithPageSize asks for this many jobs on a page, 1 to 2147483647. Default: DefaultPageSize.
func WithPageSize(jobs int) Option { return func(c *config) { c.pageSize = jobs } }

// WithPrefetch keeps this many page requests in flight while Jobs runs, 1 to 16, as far as
// WithMaxInFlight allows. Default: DefaultPrefetch.
func WithPrefetch(requests int) Option { return func(c *config) { c.prefetch = requests } }

// WithMaxInFlight limits the page requests that this Client has in flight at a time, whatever its loops and
// callers, 1 to 256. Further ones wait, and the time of an attempt starts after that. Requests through
// Client.Raw do not count. Default: DefaultMaxInFlight.
func WithMaxInFlight(requests int) Option { return func(c *config) { c.maxInFlight = requests } }

// WithRetry replaces the policy for repeating requests; see RetryPolicy for the default.
// RetryPolicy{Attempts: 1} turns repeating off.
func WithRetry(policy RetryPolicy) Option { return func(c *config) { c.retry = policy } }

// WithTimeout bounds the reading of one page with all its attempts and waits; more than 0. Default:
// DefaultTimeout. The context of a call may end it earlier; for Jobs as a whole there is only that.
func WithTimeout(timeout time.Duration) Option { return func(c *config) { c.timeout = timeout } }

// WithMaxResponseBytes bounds an answer after decompression, 1 to 2147483647 bytes. A larger one is
// ErrTooLarge. Default: DefaultMaxResponseBytes. The bodies that a Client reads at a time share 10 MiB; one of
// them at a time may be larger, up to this limit, and the others wait for it within their attempts.
func WithMaxResponseBytes(limit int64) Option { return func(c *config) { c.maxResponseBytes = limit } }

// WithLogger logs every attempt: at level Warn where it failed, at Debug where it did not or nobody waited
// for it any more. A record has method, path, status, duration, attempt and request id, that of a failure
// also its kind and whether it may be tried again; never a query, a header or a body. Default: no log.
func WithLogger(logger *slog.Logger) Option { return func(c *config) { c.logger = logger } }

// WithDriftHandler calls the handler for every way in which an answer differed from the contract and
// was understood all the same. It is called while pages are read, by several goroutines at once
// where several pages are in flight: it must be safe for that, quick, and not panic. Jobs reads pages that
// it then does not deliver; it is called for those, too.
func WithDriftHandler(handler func(Drift)) Option { return func(c *config) { c.onDrift = handler } }

// WithProgress calls the handler for every page that a loop over Jobs has got through, in the goroutine
// of that loop, between two of its jobs.
func WithProgress(handler func(Progress)) Option { return func(c *config) { c.onProgress = handler } }

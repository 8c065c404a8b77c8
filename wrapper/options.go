package d365backup

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/auth"
)

// Option configures a Client. If one is given twice, the last one takes precedence. For a nil Option or an invalid value, New returns an
// error that matches ErrConfig.
type Option func(*config)

type config struct {
	dataCenter, baseURL, tokenURL string
	api                           API
	scope, mediaType              string
	credential                    auth.Credential
	credentialOption              string // the option that set it
	otherCredentialOption         string // an option of another kind, which is an error
	reload                        func() (Option, error)
	hasReload                     bool
	httpClient                    *http.Client // a copy; a pointer, so that printing a Client does not look into its transport
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
		httpClient:       new(http.Client),
		scope:            DefaultScope,
		mediaType:        MediaTypeJSON,
		pageSize:         DefaultPageSize,
		prefetch:         DefaultPrefetch,
		maxInFlight:      DefaultMaxInFlight,
		timeout:          DefaultTimeout,
		maxResponseBytes: DefaultMaxResponseBytes,
		logger:           slog.New(slog.DiscardHandler),
	}
}

// The defaults of a Client.
const (
	// DefaultScope is the scope of a token, "Dynamics.ReadWrite.All" as version v1 spells it.
	DefaultScope = auth.DefaultScope
	// DefaultPageSize is the number of jobs requested per page. The service's own default is 10; it documents no upper limit.
	DefaultPageSize = 100
	// DefaultPrefetch is the number of page requests that Jobs keeps in flight.
	DefaultPrefetch = 4
	// DefaultMaxInFlight is the number of page requests that one Client has in flight at a time.
	DefaultMaxInFlight = 16
	// DefaultTimeout bounds reading one page with all its attempts.
	DefaultTimeout = 5 * time.Minute
	// DefaultMaxResponseBytes bounds a response after decompression: 32 MiB.
	DefaultMaxResponseBytes = 32 << 20
)

// The request media types of version v1. WithMediaType accepts these and every concrete type that ends in +json.
const (
	// MediaTypeJSON is the default.
	MediaTypeJSON = "application/json"
	// MediaTypeTextJSON is the alternative.
	MediaTypeTextJSON = "text/json"
)

// WithDataCenter sets the data center by its code, such as "us"; see DataCenters. It also selects the token endpoint. A Client
// needs this or WithBaseURL: the service has no default, and a wrong data center responds with 404, like a missing permission.
func WithDataCenter(code string) Option { return func(c *config) { c.dataCenter = code } }

// WithBaseURL sets the address of the API, such as "https://graph.avepointonlineservices.com": https (see WithLoopbackHTTP)
// without query, fragment or user. An address other than the vendor's also needs WithTokenURL or WithTokenSource.
func WithBaseURL(url string) Option { return func(c *config) { c.baseURL = url } }

// WithTokenURL sets the token endpoint instead of the one that belongs to the data center, with the same rules as WithBaseURL.
// It has no effect with WithTokenSource.
func WithTokenURL(url string) Option { return func(c *config) { c.tokenURL = url } }

// WithLoopbackHTTP allows plain http to loopback addresses (127.0.0.0/8, ::1, localhost), for tests and the sandbox. Other
// addresses still need https.
func WithLoopbackHTTP() Option { return func(c *config) { c.loopbackHTTP = true } }

// WithClientSecret authenticates with the client id and secret of an app registered in AvePoint Online Services. Both are sent in
// the form body of token requests, to the token endpoint only.
func WithClientSecret(id, secret string) Option {
	return func(c *config) { c.setCredential("WithClientSecret", auth.NewClientSecret(id, secret)) }
}

// WithCertificate authenticates with the client id of such an app and its registered certificate: every token request carries a
// new JWT signed with its key (RFC 7523, RS256). Load it with LoadCertificate.
func WithCertificate(id string, certificate *Certificate) Option {
	return func(c *config) {
		credential := auth.ClientCertificate{ClientID: id}
		if certificate != nil {
			credential.Certificate = certificate.inner
		}
		c.setCredential("WithCertificate", credential)
	}
}

// WithTokenSource authenticates with the caller's own tokens. The source should cache them: several goroutines call it at once,
// before every request. A call whose context ends leaves it running. It must not panic. Its errors are not quoted.
func WithTokenSource(source oauth2.TokenSource) Option {
	return func(c *config) { c.setCredential("WithTokenSource", auth.TokenSource{Source: source}) }
}

// WithCredentialReload calls load when the token endpoint refuses the credential or the certificate has expired, so that a
// program survives the rotation of its secret. Load returns WithClientSecret or WithCertificate with the current content of a
// file or a vault. A different credential is used from then on; if it is the same, or load fails, the error is the refusal.
// One goroutine at a time calls load while others wait, so it should take seconds at most. It must not panic. Its error is not
// quoted. The option needs WithClientSecret or WithCertificate. Default: credentials are never replaced.
func WithCredentialReload(load func() (Option, error)) Option {
	return func(c *config) { c.reload, c.hasReload = load, true }
}

// WithScope sets the scope of a token. Default: DefaultScope. The vendor's pages also spell it "dynamics.readwrite.all".
// Request one scope only: the vendor reports that this one did not work beside others.
func WithScope(scope string) Option { return func(c *config) { c.scope = scope } }

// WithAPI sets the operation that lists jobs. Default: APIAuto. Only Query.ObjectType and WithMediaType depend on it.
func WithAPI(api API) Option { return func(c *config) { c.api = api } }

// WithMediaType sets the media type of requests: MediaTypeJSON (the default), MediaTypeTextJSON, or one that ends in +json such
// as "application/vnd.example+json". The others are for version v1 only: APIAuto then does not request its successor.
func WithMediaType(mediaType string) Option { return func(c *config) { c.mediaType = mediaType } }

// WithHTTPClient sends requests, including those for tokens, through the Transport of this client (nil: the one that all
// Clients share), and bounds each request for a page by its Timeout. Its other fields are ignored, and it is not changed.
//
// An *http.Transport that skips the verification of certificates or allows TLS below 1.2 is refused. Other implementations,
// and one with DialTLSContext or DialTLS, cannot be checked and are trusted. NewTransport makes one to start from. Any other
// needs a TLSHandshakeTimeout (net/http continues a handshake after its request has ended), HTTP/2 pings (see NewTransport),
// and the OnProxyConnectResponse of NewTransport if a proxy's refusals are to be distinguished.
func WithHTTPClient(client *http.Client) Option {
	if client == nil {
		client = new(http.Client)
	}
	return func(c *config) { c.httpClient = new(*client) }
}

// WithUserAgent puts a product such as "example-monitor/1.4" before this package's own, "d365backup/" with the version of
// this module, in the User-Agent header of every request: at most 256 printable ASCII characters. Default: no product.
func WithUserAgent(product string) Option { return func(c *config) { c.product = product } }

// WithPageSize sets the number of jobs requested per page, 1 to 2147483647. Default: DefaultPageSize.
func WithPageSize(jobs int) Option { return func(c *config) { c.pageSize = jobs } }

// WithPrefetch sets the number of page requests that Jobs keeps in flight, 1 to 16, within WithMaxInFlight. Default:
// DefaultPrefetch.
func WithPrefetch(requests int) Option { return func(c *config) { c.prefetch = requests } }

// WithMaxInFlight limits the page requests that this Client has in flight at a time, 1 to 256. Further ones wait; the timeout
// of an attempt starts after that. Requests through Client.Raw do not count. Default: DefaultMaxInFlight.
func WithMaxInFlight(requests int) Option { return func(c *config) { c.maxInFlight = requests } }

// WithRetry sets the policy for retries. Default: the zero RetryPolicy. RetryPolicy{Attempts: 1} disables retries.
func WithRetry(policy RetryPolicy) Option { return func(c *config) { c.retry = policy } }

// WithTimeout bounds reading one page with all its attempts and waits; more than 0. Default: DefaultTimeout. The context of a
// call may end it earlier, and only the context bounds Jobs as a whole.
func WithTimeout(timeout time.Duration) Option { return func(c *config) { c.timeout = timeout } }

// WithMaxResponseBytes bounds a response after decompression, 1 to 2147483647 bytes. A larger one is ErrTooLarge. Default:
// DefaultMaxResponseBytes. The bodies that a Client reads at a time share 10 MiB. One of them may be larger, up to this limit,
// while the others wait within their attempts.
func WithMaxResponseBytes(limit int64) Option { return func(c *config) { c.maxResponseBytes = limit } }

// WithLogger logs every attempt: at level Warn if it failed, at Debug if it succeeded or its caller no longer waits. A record
// has method, path, status, duration, attempt and request id, and after a failure its kind and whether it is retryable;
// never a query, a header or a body. Default, and nil: no log.
func WithLogger(logger *slog.Logger) Option {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return func(c *config) { c.logger = logger }
}

// WithDriftHandler calls the handler for every difference between a response and the contract that was tolerated, even on
// pages that Jobs reads but does not deliver. Several goroutines may call it at once; it must be quick and not panic.
func WithDriftHandler(handler func(Drift)) Option { return func(c *config) { c.onDrift = handler } }

// WithProgress calls the handler for every page that a loop over Jobs has finished, in the goroutine of that loop, between two
// of its jobs.
func WithProgress(handler func(Progress)) Option { return func(c *config) { c.onProgress = handler } }

// RetryPolicy sets how often and how fast a request is retried. Reading jobs changes nothing, so retrying is safe although
// version v1 uses POST. The zero value means the defaults; New refuses negative values with ErrConfig.
//
// These are retried: the statuses 408, 429, 500, 502, 503 and 504, the error codes server_error and temporarily_unavailable of
// a token endpoint, truncated responses, and ErrNetwork, except an unknown host, a server certificate that is not accepted, a
// server without TLS 1.2 or later, the status 511, and a proxy that refuses the connection, unless with a status of this list.
// The wait before attempt n+1 is random between 0 and BaseDelay × 2^(n-1), at most MaxDelay.
//
// A Retry-After from the server pauses all requests of the Client, for at most an hour. A request waits for its end if
// that fits MaxDelay and the call's deadline; otherwise it fails at once, with ErrThrottled or ErrServer and the rest of
// the pause in Error.RetryAfter. An attempt that ends in a 429 with Retry-After does not count for Attempts, unless Attempts
// is 1. After a pause or a 429 the Client spaces its requests: each refusal lowers their rate, each success raises it.
//
// One attempt may include a request for a token, and after a status 401 one more of each. The transport may send each of
// these twice, since net/http resends what a server says it did not process; a third time ends the attempt with
// ErrNetwork.
type RetryPolicy struct {
	// Attempts is the maximum number of attempts at one page, the first one included. 0: 4. 1: no retries.
	Attempts int
	// BaseDelay is the longest wait before the second attempt. 0: 500 ms.
	BaseDelay time.Duration
	// MaxDelay is the longest wait before any attempt. 0: 30 s.
	MaxDelay time.Duration
	// AttemptTimeout bounds each attempt, including its token request and its body. WithTimeout may end it earlier.
	// 0: 1 minute.
	AttemptTimeout time.Duration
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	p.Attempts = cmp.Or(p.Attempts, 4)
	p.BaseDelay = cmp.Or(p.BaseDelay, 500*time.Millisecond)
	p.MaxDelay = cmp.Or(p.MaxDelay, 30*time.Second)
	p.AttemptTimeout = cmp.Or(p.AttemptTimeout, time.Minute)
	return p
}

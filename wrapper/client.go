package d365backup

import (
	"context"
	"fmt"
	"log/slog"
	"mime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d365backup/d365backup/generated"
)

// Client reads job information. It is made by New; the zero value is not usable. It holds no connection
// of its own until it is used, needs no closing, and is safe for concurrent use.
type Client struct {
	config    config
	endpoints endpoints
	raw       *generated.ClientWithResponses
	replaced  atomic.Bool // with APIAuto: only the successor is there
	limits    func() *limits
}

// New returns a client, or an error that matches ErrConfig and says which option to mend. It does no
// I/O: the first token is asked for with the first page.
func New(options ...Option) (*Client, error) {
	c := &Client{config: defaults()}
	for _, option := range options {
		if option == nil {
			return nil, configError("an Option is nil")
		}
		option(&c.config)
	}
	if err := c.config.check(); err != nil {
		return nil, err
	}
	var err error
	if c.endpoints, err = c.config.endpoints(); err != nil {
		return nil, err
	}
	if err = c.config.checkProxy(c.endpoints); err != nil {
		return nil, err
	}
	transport, err := c.config.transport()
	if err != nil {
		return nil, err
	}
	source, err := c.config.tokens(c.endpoints, resendLimit{tokenTransport(transport)})
	if err != nil {
		return nil, err
	}
	doer := c.config.httpClientFor(&bearerTransport{
		next: resendLimit{transport}, origin: c.endpoints.base, tokens: source, userAgent: c.config.userAgent(),
	})
	c.limits = sync.OnceValue(c.config.newLimits) // not before they are needed: there may be many idle clients
	c.raw, err = generated.NewClientWithResponses(c.endpoints.base.String(), generated.WithHTTPClient(doer))
	if err != nil {
		return nil, badSetting("WithBaseURL", "the URL of %s cannot be used: %v", c.endpoints.base.Host, err)
	}
	return c, nil
}

// check finds the faults that show in one option alone.
func (c *config) check() (err error) {
	switch {
	case c.credential == nil:
		return badSetting("WithClientSecret", "no credentials: give WithClientSecret, WithCertificate or WithTokenSource")
	case c.scope == "":
		return badSetting("WithScope", "empty: leave it out for %s", DefaultScope)
	case c.otherCredentialOption != "":
		return configError("two kinds of credentials are given, %s and %s: choose one", c.otherCredentialOption, c.credentialOption)
	case c.pageSize < 1 || c.pageSize > maxInt32:
		return badSetting("WithPageSize", "%d is out of range: use 1 to %d", c.pageSize, maxInt32)
	case c.prefetch < 1 || c.prefetch > maxPrefetch:
		return badSetting("WithPrefetch", "%d is out of range: use 1 to %d", c.prefetch, maxPrefetch)
	case c.maxInFlight < 1 || c.maxInFlight > maxMaxInFlight:
		return badSetting("WithMaxInFlight", "%d is out of range: use 1 to %d", c.maxInFlight, maxMaxInFlight)
	case c.timeout <= 0:
		return badSetting("WithTimeout", "%s is out of range: use more than 0", c.timeout)
	case c.maxResponseBytes < 1 || c.maxResponseBytes > maxInt32:
		return badSetting("WithMaxResponseBytes", "%d is out of range: use 1 to %d", c.maxResponseBytes, maxInt32)
	}
	if err := c.api.check(c); err != nil {
		return err
	}
	if c.retry, err = c.retry.withDefaults(); err != nil {
		return err
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if !isProduct(c.product) {
		return badSetting("WithUserAgent", "%q is not a product: write it like name/version", excerpt(c.product, 64))
	}
	mediaType, _, err := mime.ParseMediaType(c.mediaType)
	concrete := !strings.Contains(mediaType, "*")
	if err != nil || !concrete || !isJSON(mediaType) {
		return badSetting("WithMediaType", "%q is not one of the contract's: use %s, %s or a concrete type that ends in +json",
			excerpt(c.mediaType, 64), MediaTypeJSON, MediaTypeTextJSON)
	}
	return nil
}

const (
	maxInt32       = 1<<31 - 1
	maxPrefetch    = 16
	maxMaxInFlight = 256
)

func isJSON(mediaType string) bool {
	return mediaType == MediaTypeJSON || mediaType == MediaTypeTextJSON ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// Raw returns the generated client, for what this package lacks. Its requests carry the token and
// follow no redirect, but nothing else of this package applies: no retries, no limits, no typed errors.
// Names in it follow the contract and change with it.
func (c *Client) Raw() *generated.ClientWithResponses { return c.raw }

// BaseURL returns the URL of the API, without a slash at its end.
func (c *Client) BaseURL() string { return c.endpoints.base.String() }

// TokenURL returns the URL of the token endpoint; empty if the client uses WithTokenSource.
func (c *Client) TokenURL() string {
	if c.endpoints.token == nil {
		return ""
	}
	return c.endpoints.token.String()
}

// String returns the address that the client asks, and no credentials.
func (c *Client) String() string {
	return fmt.Sprintf("d365backup.Client(%s)", c.endpoints.base)
}

// GoString returns what String returns, so that %#v shows no credentials.
func (c *Client) GoString() string { return c.String() }

// Page reads one page of the jobs that match, counted from 1. Ask with the same Query, End included,
// for pages that belong together; Jobs does that, and more, by itself. A page behind the last one may be
// empty or, as the service likes, ErrBadRequest or ErrNotFound.
//
// The error is an *Error; it also matches the context's error where the context ended the call.
func (c *Client) Page(ctx context.Context, query Query, number int) (*Page, error) {
	if number < 1 || number > maxInt32 {
		return nil, configError("page %d does not exist: pages count from 1", number)
	}
	filter, err := query.filter(time.Now())
	if err != nil {
		return nil, err
	}
	answer, err := c.fetch(ctx, filter, number, c.config.pageSize, true)
	if err != nil {
		return nil, err
	}
	return &Page{Jobs: answer.jobs, TotalCount: answer.total, Number: number, Size: c.config.pageSize}, nil
}

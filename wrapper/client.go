package d365backup

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/exchange"
	"github.com/d365backup/d365backup/internal/transport"
)

// Client reads job information. Make one with New; the zero value is not usable. It opens no connection before it is used, does
// not need to be closed, and is safe for concurrent use.
type Client struct {
	config       config
	endpoints    endpoints
	pages        *exchange.Client
	raw          *generated.ClientWithResponses // adds the token to every request
	useSuccessor atomic.Bool                    // with APIAuto: only the successor exists
}

// New returns a client, or an error that matches ErrConfig and names the option to fix. It does no I/O: the first token is
// requested with the first page.
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
	next, err := c.config.transport()
	if err != nil {
		return nil, err
	}
	tokens, err := c.config.tokens(c.endpoints, transport.Limited{Next: transport.ForTokens(next)})
	if err != nil {
		return nil, err
	}
	if err = c.newSenders(transport.Limited{Next: next}, tokens); err != nil {
		return nil, badSetting("WithBaseURL", "the URL of %s cannot be used: %v", c.endpoints.base.Host, err)
	}
	return c, nil
}

// newSenders makes what sends requests with the token.
func (c *Client) newSenders(next http.RoundTripper, tokens auth.Tokens) (err error) {
	timeout, origin := c.config.httpClient.Timeout, c.endpoints.base
	withToken := auth.Transport{
		Next: next.RoundTrip, Origin: origin, Tokens: tokens, UserAgent: c.config.userAgent(),
		OtherOrigin: configError("the token is for %s://%s only and was not sent to another address", origin.Scheme, origin.Host),
	}
	raw := transport.NewClient(&withToken, timeout)
	c.pages = &exchange.Client{
		Transport: withToken, Policy: exchange.Policy(c.config.retry.withDefaults()), MaxInFlight: c.config.maxInFlight, MaxBytes: c.config.maxResponseBytes,
		IsMediaType: isJSON, OnAttempt: c.logAttempt,
	}
	c.pages.Transport.Next = transport.NewClient(next, timeout).Do // the timeout excludes the request for a token
	c.raw, err = generated.NewClientWithResponses(c.BaseURL(), generated.WithHTTPClient(raw))
	return err
}

func (c *config) userAgent() string { return transport.UserAgent(c.product) }

// check validates each option.
func (c *config) check() error {
	switch {
	case c.credential == nil:
		return badSetting("WithClientSecret", "no credentials: use WithClientSecret, WithCertificate or WithTokenSource")
	case c.scope == "":
		return badSetting("WithScope", "empty: leave it out for %s", DefaultScope)
	case c.otherCredentialOption != "":
		return configError("two kinds of credentials are given, %s and %s: choose one", c.otherCredentialOption, c.credentialOption)
	case c.retry.Attempts < 0 || c.retry.BaseDelay < 0 || c.retry.MaxDelay < 0 || c.retry.AttemptTimeout < 0:
		return configError("WithRetry has a negative value: use 0 for the default, Attempts 1 for no retries")
	case c.timeout <= 0:
		return badSetting("WithTimeout", "%s is out of range: use more than 0", c.timeout)
	case c.api != APIAuto && c.api != APIv1 && c.api != APIGraph:
		return badSetting("WithAPI", "API %q does not exist: use %s, %s or %s", excerpt(string(c.api), 64), APIAuto, APIv1, APIGraph)
	case c.api == APIGraph && c.mediaType != MediaTypeJSON:
		return badSetting("WithMediaType", "%q cannot be combined with WithAPI(APIGraph), which sends no body: leave one of them out",
			excerpt(c.mediaType, 64))
	}
	for _, number := range []struct {
		option     string
		value, max int64
	}{
		{"WithPageSize", int64(c.pageSize), maxInt32},
		{"WithPrefetch", int64(c.prefetch), 16},
		{"WithMaxInFlight", int64(c.maxInFlight), 256},
		{"WithMaxResponseBytes", c.maxResponseBytes, maxInt32},
	} {
		if number.value < 1 || number.value > number.max {
			return badSetting(number.option, "%d is out of range: use 1 to %d", number.value, number.max)
		}
	}
	if !transport.IsProduct(c.product) {
		return badSetting("WithUserAgent", "invalid product %q: write it like name/version", excerpt(c.product, 64))
	}
	mediaType, _, err := mime.ParseMediaType(c.mediaType)
	concrete := !strings.Contains(mediaType, "*")
	if err != nil || !concrete || !isJSON(mediaType) {
		return badSetting("WithMediaType", "invalid media type %q: use %s, %s or a concrete type that ends in +json",
			excerpt(c.mediaType, 64), MediaTypeJSON, MediaTypeTextJSON)
	}
	return nil
}

const maxInt32 = 1<<31 - 1

func isJSON(mediaType string) bool {
	return mediaType == MediaTypeJSON || mediaType == MediaTypeTextJSON ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// Raw returns the generated client, for what this package lacks. Its requests carry the token and follow no redirect, but
// nothing else of this package applies: no retries, no limits, no typed errors. Its names change with the contract.
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

// String returns the address of the API, and no credentials.
func (c *Client) String() string {
	return fmt.Sprintf("d365backup.Client(%s)", c.endpoints.base)
}

// GoString returns what String returns, so that %#v prints no credentials.
func (c *Client) GoString() string { return c.String() }

// Page reads one page of the matching jobs, counted from 1. Pages that belong together need the same Query, End included; Jobs
// takes care of that. A Query for several types or statuses is ErrConfig. A page after the last one is empty, ErrBadRequest or ErrNotFound, depending on the service.
//
// The error is an *Error; it also matches the context's error if the context ended the call.
func (c *Client) Page(ctx context.Context, query Query, number int) (*Page, error) {
	if number < 1 || number > maxInt32 {
		return nil, configError("page %d does not exist: pages count from 1", number)
	}
	filters, err := query.filters(time.Now())
	if err != nil {
		return nil, err
	}
	if len(filters) > 1 {
		return nil, configError("the query selects %d lists by Types and Statuses, and a page belongs to one: use Jobs", len(filters))
	}
	page, err := c.fetch(ctx, filters[0], number, c.config.pageSize, true)
	if err != nil {
		return nil, err
	}
	return &Page{Jobs: page.Jobs, TotalCount: page.TotalCount, Number: number, Size: c.config.pageSize}, nil
}

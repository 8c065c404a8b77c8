package d365backup

import (
	"net/http"

	"github.com/d365backup/d365backup/internal/transport"
)

// NewTransport returns a new transport with the settings of the one that all Clients share, to change and pass to
// WithHTTPClient. It takes the proxy from the environment, speaks TLS 1.2 or later, and keeps up to 64 idle connections
// per host (MaxIdleConnsPerHost) for 5 minutes. It pings an HTTP/2 connection that was silent for 10 s and closes it
// after 5 s without a response: keep their sum below half of RetryPolicy.AttemptTimeout, or attempts are wasted on a
// dead connection.
func NewTransport() *http.Transport { return transport.New() }

// transport returns the transport to send through, or an error that matches ErrConfig.
func (c *config) transport() (http.RoundTripper, error) {
	if c.httpClient == nil || c.httpClient.Transport == nil {
		return transport.Shared(), nil
	}
	if err := transport.Check(c.httpClient.Transport); err != nil {
		return nil, configError("the transport of WithHTTPClient %v", err)
	}
	return c.httpClient.Transport, nil
}

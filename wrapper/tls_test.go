package d365backup_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/auth/authtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func valid90Days(c *x509.Certificate) { c.NotAfter = time.Now().Add(90 * 24 * time.Hour) }
func loopback(c *x509.Certificate)    { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }

// TestTLSCauses: TLS errors of a server are named and not retried.
func TestTLSCauses(t *testing.T) {
	tests := []struct {
		name, reason, text string
		version            uint16
		damage             func(der []byte)
		change             []func(*x509.Certificate)
	}{
		{name: "good", change: []func(*x509.Certificate){loopback}},
		{name: "TLS 1.1", reason: "tls-version", text: "neither TLS 1.2 nor TLS 1.3", version: tls.VersionTLS11, change: []func(*x509.Certificate){loopback}},
		{
			name: "only a common name", reason: "tls-defective", text: "no subject alternative names",
			change: []func(*x509.Certificate){func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "127.0.0.1"} }},
		},
		{
			name: "negative serial", reason: "tls-defective", text: "negative serial number",
			change: []func(*x509.Certificate){loopback, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x7a7b7c7d) }},
			damage: func(der []byte) { der[bytes.Index(der, []byte{2, 4, 0x7a, 0x7b, 0x7c, 0x7d})+2] = 0xfa },
		},
		{
			name: "another host", reason: "tls-wrong-host", text: "another host",
			change: []func(*x509.Certificate){func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }},
		},
		{
			name: "expired", reason: "tls-expired", text: "has expired",
			change: []func(*x509.Certificate){loopback, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }},
		},
		{
			name: "not yet valid", reason: "tls-not-yet-valid", text: "not yet valid",
			change: []func(*x509.Certificate){loopback, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			handshakes, address := serveTLS(t, tt.version, roots, tt.damage, append([]func(*x509.Certificate){valid90Days}, tt.change...)...)
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
			defer transport.CloseIdleConnections()
			for _, credentials := range []d365backup.Option{d365backup.WithTokenSource(canaryToken{}), d365backup.WithClientSecret("app", canarySecret)} {
				handshakes.Store(0)
				client, err := d365backup.New(d365backup.WithBaseURL(address), d365backup.WithTokenURL(address), credentials, quick,
					d365backup.WithHTTPClient(&http.Client{Transport: transport}))
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.Page(t.Context(), valid, 1)
				if tt.reason == "" {
					if errors.Is(err, d365backup.ErrNetwork) {
						t.Error(err)
					}
					continue
				}
				expectFailure(t, err, d365backup.ErrNetwork, tt.reason, 1, tt.text)
				if handshakes.Load() != 1 {
					t.Errorf("%d connections, want 1", handshakes.Load())
				}
			}
		})
	}
}

// serveTLS runs a server with a new certificate that the roots trust, and counts connections.
func serveTLS(t *testing.T, version uint16, roots *x509.CertPool, damage func([]byte), change ...func(*x509.Certificate)) (*atomic.Int32, string) {
	t.Helper()
	key := authtest.Key()
	certificate := authtest.Issue(t, key, append([]func(*x509.Certificate){func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}}, change...)...)
	roots.AddCert(certificate)
	raw := bytes.Clone(certificate.Raw)
	if damage != nil {
		damage(raw)
	}
	connections := new(atomic.Int32)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		},
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version, Certificates: []tls.Certificate{
			{Certificate: [][]byte{raw}, PrivateKey: onlySigns{key}},
		}},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return connections, "https://" + listener.Addr().String()
}

// onlySigns hides the other methods of a key, so that crypto/tls does not parse a damaged certificate.
type onlySigns struct{ crypto.Signer }

func (s onlySigns) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Signer.Sign(rand.Reader, digest, opts)
}

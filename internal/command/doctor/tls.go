package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/human"
)

// insecure tells why no TLS connection was made.
func (h *host) insecure(err error, p probe) result {
	evidence := []string{h.evidence(p)}
	if refused, found := errors.AsType[*refusal](err); found {
		return fail("proxy-refused", refused.Error(), evidence...)
	}
	if unverified, found := errors.AsType[*tls.CertificateVerificationError](err); found {
		return h.unverified(unverified, evidence)
	}
	if _, found := errors.AsType[tls.RecordHeaderError](err); found {
		return fail("not-tls", h.url.Host+" answers without TLS", evidence...)
	}
	evidence = append(evidence, reason(err))
	switch {
	case strings.Contains(err.Error(), "protocol version"): // crypto/tls has no error to match
		return fail("tls-version", h.url.Host+" offers neither TLS 1.2 nor 1.3", evidence...)
	case errors.Is(err, context.DeadlineExceeded):
		return fail("no-answer", fmt.Sprintf("%s says nothing within %s", h.url.Host, p.patience), evidence...)
	}
	return fail("tls-failed", "no TLS connection to "+h.url.Host, evidence...)
}

// unverified tells what is wrong with a certificate.
func (h *host) unverified(err *tls.CertificateVerificationError, evidence []string) result {
	leaf := err.UnverifiedCertificates[0]
	evidence = append(evidence, fmt.Sprintf("The certificate is for %s, by %s, valid from %s to %s.",
		subject(leaf), issuer(leaf), leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339)))
	now := time.Now()
	if _, wrong := errors.AsType[x509.HostnameError](err.Err); wrong {
		return fail("tls-wrong-host", "the certificate is not for "+h.url.Hostname(), evidence...)
	}
	if invalid, found := errors.AsType[x509.CertificateInvalidError](err.Err); found && invalid.Reason == x509.Expired {
		evidence = append(evidence, "The clock of this machine says "+now.UTC().Format(time.RFC3339)+".")
		if now.Before(leaf.NotBefore) {
			return fail("tls-not-yet-valid", "the certificate begins later", evidence...)
		}
		return fail("tls-expired", "the certificate has ended", evidence...)
	}
	return fail("tls-untrusted", "the certificate by "+issuer(leaf)+" is not trusted", evidence...)
}

// issuer names who signed the certificate. It may be anyone's invention, like all of a certificate.
func issuer(certificate *x509.Certificate) string {
	name := certificate.Issuer
	return short(append(append([]string{}, name.Organization...), name.CommonName))
}

func subject(certificate *x509.Certificate) string {
	return short(append(certificate.DNSNames[:min(len(certificate.DNSNames), 1)], certificate.Subject.CommonName))
}

// short returns the first of the names that says something, not too long for a line.
func short(names []string) string {
	for _, name := range names {
		if name = strings.TrimSpace(human.Text(name)); name != "" {
			letters := []rune(name)
			return string(letters[:min(len(letters), 64)])
		}
	}
	return "nobody named"
}

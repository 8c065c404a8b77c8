package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/human"
)

// insecure explains why no TLS connection was made.
func (h *host) insecure(err error, p probe) result {
	f := httpfail.FromError(err)
	evidence := []string{h.evidence(p)}
	if unverified, found := errors.AsType[*tls.CertificateVerificationError](err); found {
		leaf := unverified.UnverifiedCertificates[0]
		evidence = append(evidence, fmt.Sprintf("The certificate is for %s, by %s, valid from %s to %s.",
			subject(leaf), issuer(leaf), leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339)),
			"The clock of this machine says "+time.Now().UTC().Format(time.RFC3339)+".")
	}
	if f.Reason == httpfail.NoAnswer && !errors.Is(err, context.DeadlineExceeded) {
		f.Reason = httpfail.TLSFailed // TCP was fine a moment ago
	}
	return fail(string(f.Reason), f.Text, append(evidence, reason(err))...)
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

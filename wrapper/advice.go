package d365backup

import (
	"errors"
	"strings"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// reasons gives the kind of each reason, and what a program can try.
var reasons = map[httpfail.Reason]struct {
	kind   error
	advice string
}{
	httpfail.UnknownHost:      {ErrNetwork, checkAddress},
	httpfail.NameService:      {ErrNetwork, "check the network and its name servers"},
	httpfail.Unreachable:      {ErrNetwork, "check the network, and whether it needs a proxy (HTTPS_PROXY)"},
	httpfail.ProxyUnreachable: {ErrNetwork, "check HTTPS_PROXY"},
	httpfail.ProxyRefused:     {ErrNetwork, "check the user and password in HTTPS_PROXY, and whether the proxy allows the host"},
	httpfail.Untrusted:        {ErrNetwork, "find out who issued it; add an authority of your own to RootCAs or SSL_CERT_FILE"},
	httpfail.WrongHost:        {ErrNetwork, checkAddress},
	httpfail.Expired:          {ErrNetwork, "check the clock; if it is right, tell the operator of the host that its certificate has expired"},
	httpfail.NotYetValid:      {ErrNetwork, "check the clock"},
	httpfail.Defective:        {ErrNetwork, "ask its issuer for a new one, such as the operator of a proxy that inspects TLS"},
	httpfail.Version:          {ErrNetwork, "look for an old proxy in between"},
	httpfail.NotTLS:           {ErrNetwork, checkAddress},
	httpfail.TLSFailed:        {ErrNetwork, "check whether a firewall allows the host"},
	httpfail.NoAnswer:         {ErrNetwork, ""},
	httpfail.Truncated:        {ErrTruncated, "try a smaller WithPageSize"},
	httpfail.TooLarge:         {ErrTooLarge, "use a smaller WithPageSize, or raise WithMaxResponseBytes"},

	httpfail.NotJobs:           {ErrNotJobs, checkAddress},
	httpfail.LoginPage:         {ErrNotJobs, "sign in to the network, and " + checkAddress},
	httpfail.Redirect:          {ErrRedirect, "sign in to the network, and " + checkAddress},
	httpfail.TokenRefused:      {ErrAuth, "check that the app belongs to this environment, and the clock"},
	httpfail.MissingPermission: {ErrForbidden, "grant the app the permission " + DefaultScope},
	httpfail.NotFound:          {ErrNotFound, "try another WithDataCenter, and check permission and license"},
	httpfail.Throttled:         {ErrThrottled, "send fewer requests, such as with a smaller WithPrefetch"},
	httpfail.Server:            {ErrServer, "try again later"},
	httpfail.RequestRefused:    {ErrBadRequest, ""},

	httpfail.SecretRefused:      {ErrAuth, "check WithClientSecret, and whether the secret has expired"},
	httpfail.CertificateRefused: {ErrAuth, "upload it to the app's registration, and check the client id and the clock"},
	httpfail.CertificateExpired: {ErrAuth, "load a new one with LoadCertificate"},
	httpfail.AppNotAllowed:      {ErrAuth, "check the app's registration, and that an administrator has consented to " + DefaultScope},
	httpfail.Scope:              {ErrAuth, "set it with WithScope"},
	httpfail.TokenURL:           {ErrAuth, checkAddress},
}

// checkAddress names the options that set the address of the request.
const checkAddress = "check the address of {options}"

// advice returns what to try next, in terms of this package.
func (e *Error) advice() string {
	if _, ok := errors.AsType[timeoutError](e.cause); ok && e.Kind == nil {
		return "raise WithTimeout"
	}
	switch {
	case errors.Is(e.Kind, ErrIncomplete):
		return "try again, or with a shorter time range"
	case e.Setting == "WithAPI" && e.Reason == string(httpfail.NotFound):
		return "try WithAPI(APIGraph), the replacement of version v1, then another WithDataCenter"
	case e.Setting != "" && e.Reason != "":
		return "raise " + e.Setting
	}
	advice, options := reasons[httpfail.Reason(e.Reason)].advice, "WithDataCenter or WithBaseURL"
	if e.TokenRequest {
		options = "WithTokenURL"
		if strings.Contains(advice, "WithPageSize") { // there are no pages
			advice = checkAddress
		}
	}
	return strings.ReplaceAll(advice, "{options}", options)
}

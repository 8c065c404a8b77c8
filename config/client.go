package config

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Client returns a client for the profile's connection and these options, which have priority. It reads the files that
// contain secrets, and again when the credential is refused, but sends nothing. The client accepts plain http from loopback
// addresses, such as that of a sandbox. The error lists everything that is missing or invalid and where to set it.
func (p Profile) Client(options ...d365backup.Option) (*d365backup.Client, error) {
	if p.err != nil {
		return nil, p.err
	}
	connection := []d365backup.Option{d365backup.WithLoopbackHTTP()} // other addresses still require https
	for name, option := range map[string]func(string) d365backup.Option{
		"data-center": d365backup.WithDataCenter,
		"base-url":    d365backup.WithBaseURL,
		"token-url":   d365backup.WithTokenURL,
		"scope":       d365backup.WithScope,
		"api":         func(api string) d365backup.Option { return d365backup.WithAPI(d365backup.API(api)) },
	} {
		if text := p.value(name).text; text != "" {
			connection = append(connection, option(text))
		}
	}
	var problems []error
	if p.value("data-center").text == "" && p.value("base-url").text == "" {
		problems = append(problems, p.missingEndpoint())
	} else if err := p.check(connection); err != nil {
		problems = append(problems, err)
	}
	if p.value("client-id").text == "" {
		problems = append(problems, p.missing("client id", "client-id"))
	}
	credentials, err := p.credentials()
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, join(problems)
	}
	connection = append(connection, credentials, d365backup.WithCredentialReload(p.credentials))
	return d365backup.New(slices.Concat(connection, options)...)
}

// join returns all problems as one error of one line.
func join(problems []error) error {
	all := problems[0]
	for _, problem := range problems[1:] {
		all = fmt.Errorf("%w; %w", all, problem)
	}
	return invalidError{all}
}

// check has the client check its options before there are credentials, so that all problems are reported at once.
func (p Profile) check(options []d365backup.Option) error {
	_, err := d365backup.New(append(options, d365backup.WithClientSecret("any", "any"),
		d365backup.WithHTTPClient(&http.Client{Transport: new(http.Transport)}))...) // the proxy is checked later
	if clientErr, ok := errors.AsType[*d365backup.Error](err); ok {
		return p.explain(clientErr)
	}
	return err
}

func (p Profile) credentials() (d365backup.Option, error) {
	id := p.value("client-id").text
	if p.value("certificate").text != "" {
		certificate, err := p.certificate()
		return d365backup.WithCertificate(id, certificate), err
	}
	secret, err := p.secret("client-secret")
	if err == nil && secret == "" {
		err = p.missingSecret()
	}
	return d365backup.WithClientSecret(id, secret), err
}

func (p Profile) certificate() (*d365backup.Certificate, error) {
	file := p.value("certificate")
	data, err := p.secrets.read(file.text, maxCertificate)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", file.line, file.origin, err)
	}
	password, err := p.secret("certificate-password")
	if err != nil {
		return nil, err
	}
	certificate, err := d365backup.ParseCertificate(data, password)
	if clientErr, ok := errors.AsType[*d365backup.Error](err); ok {
		return nil, fmt.Errorf("%s%s: %s: %s", file.line, file.origin, file.text, clientErr.Message)
	}
	return certificate, err
}

// secret returns a secret that is set itself or in a file.
func (p Profile) secret(name string) (string, error) {
	file := p.value(name + "-file")
	if file.text == "" {
		return p.value(name).text, nil
	}
	text, err := p.secrets.line(file.text)
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", file.line, file.origin, err)
	}
	return text, nil
}

// missing returns an error that says where to set what is missing.
func (p Profile) missing(what, name string) error {
	if p.onlyProfile {
		return fmt.Errorf("%sno %s: set %s", p.position, what, key(name))
	}
	flag := ""
	if p.mentionFlags {
		flag = "--" + name + ", "
	}
	return fmt.Errorf("%sno %s: set %s%s, or %s in a profile", p.position, what, flag, variable(name), key(name))
}

func (p Profile) missingEndpoint() error {
	err := p.missing("data center", "data-center")
	if p.mentionFlags && !p.onlyProfile {
		err = fmt.Errorf("%w; --sandbox needs none", err)
	}
	return err
}

func (p Profile) missingSecret() error {
	err := p.missing("client secret", "client-secret-file")
	if p.onlyProfile {
		return fmt.Errorf("%w, or certificate", err)
	}
	return fmt.Errorf("%w, or the secret itself in %s, or a certificate in %s", err, variable("client-secret"), variable("certificate"))
}

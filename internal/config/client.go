package config

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Client returns a client for the settings and these options. It reads the files that contain secrets. A
// usage error lists everything that is missing and where to set it.
func (s Settings) Client(more ...d365backup.Option) (*d365backup.Client, error) {
	options := []d365backup.Option{
		d365backup.WithLoopbackHTTP(), // other addresses still require https
		d365backup.WithUserAgent("d365backup-cli"),
	}
	for name, option := range map[string]func(string) d365backup.Option{
		"data-center": d365backup.WithDataCenter,
		"base-url":    d365backup.WithBaseURL,
		"token-url":   d365backup.WithTokenURL,
		"scope":       d365backup.WithScope,
		"api":         func(api string) d365backup.Option { return d365backup.WithAPI(d365backup.API(api)) },
	} {
		if text := s.Get(name); text != "" {
			options = append(options, option(text))
		}
	}
	var problems []string
	note := func(problem string) {
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	if s.Get("data-center") == "" && s.Get("base-url") == "" {
		note(missing("data center", "data-center") + "; --sandbox needs none")
	} else {
		note(s.check(options))
	}
	if s.Get("client-id") == "" {
		note(missing("client id", "client-id"))
	}
	credentials, err := s.credentials()
	if err != nil {
		note(err.Error())
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	options = append(options, credentials, d365backup.WithCredentialReload(s.credentials))
	return d365backup.New(slices.Concat(options, more)...)
}

// check has the client check its options before there are credentials, so that all problems are reported at once.
func (s Settings) check(options []d365backup.Option) string {
	_, err := d365backup.New(append(options, d365backup.WithClientSecret("any", "any"),
		d365backup.WithHTTPClient(&http.Client{Transport: new(http.Transport)}))...) // the proxy is checked later
	if own, ok := errors.AsType[*d365backup.Error](err); ok {
		return s.Problem(own)
	}
	return ""
}

func (s Settings) credentials() (d365backup.Option, error) {
	id := s.Get("client-id")
	if path := s.Get("certificate"); path != "" {
		certificate, err := s.certificate(path)
		return d365backup.WithCertificate(id, certificate), err
	}
	secret, err := s.secret("client-secret")
	if err == nil && secret == "" {
		err = fmt.Errorf("%s, or the secret itself in %s, or a certificate in %s",
			missing("client secret", "client-secret-file"), Variable("client-secret"), Variable("certificate"))
	}
	return d365backup.WithClientSecret(id, secret), err
}

func (s Settings) certificate(path string) (*d365backup.Certificate, error) {
	data, err := s.files.read(path, maxCertificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Origin("certificate"), err)
	}
	password, err := s.secret("certificate-password")
	if err != nil {
		return nil, err
	}
	certificate, err := d365backup.ParseCertificate(data, password)
	if own, ok := errors.AsType[*d365backup.Error](err); ok {
		return nil, fmt.Errorf("%s: %s: %s", s.Origin("certificate"), path, own.Message)
	}
	return certificate, err
}

// secret returns a secret that is set itself or in a file.
func (s Settings) secret(name string) (string, error) {
	path := s.Get(name + "-file")
	if path == "" {
		return s.Get(name), nil
	}
	text, err := s.files.line(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.Origin(name+"-file"), err)
	}
	return text, nil
}

func missing(what, name string) string {
	return fmt.Sprintf("no %s: set --%s, %s, or %s in a profile", what, name, Variable(name), Setting{Name: name}.key())
}

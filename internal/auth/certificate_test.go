package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
)

func TestCertificateShowsNoKey(t *testing.T) {
	key := authtest.Key()
	certificate, err := auth.ParseCertificate(authtest.PEM(t, key, authtest.Issue(t, key)), "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("record", "certificate", certificate)
	encoded, err := json.Marshal(map[string]any{"certificate": certificate})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{logged.String(), string(encoded)}
	hidden := struct{ pointer, value any }{&certificate, certificate}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, hidden), fmt.Sprintf(verb, certificate), fmt.Sprintf(verb, &certificate))
	}
	for _, text := range texts {
		for _, part := range append([]*big.Int{key.D}, key.Primes...) {
			for _, form := range []string{part.String(), part.Text(16), base64.StdEncoding.EncodeToString(part.Bytes())} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
					t.Errorf("%s contains a part of the key", text)
				}
			}
		}
	}
}

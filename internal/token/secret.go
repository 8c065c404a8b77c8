package token

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret holds a client secret and shows it to nobody outside this package. The zero value holds none.
type Secret struct {
	// A function, because no printer of structures looks into one.
	reveal func() string
}

// NewSecret returns a Secret that holds value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return value }}
}

func (s Secret) isSet() bool { return s.reveal != nil }

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// Format writes String, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue gives slog what String gives.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns String, for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

package token

import (
	"fmt"
	"io"
)

// Secret holds a client secret, which no way of printing shows. The zero value holds none.
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

// Reveal returns the secret; empty for the zero value.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

func (s Secret) isSet() bool { return s.reveal != nil }

// Format writes a placeholder, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "[redacted]") }

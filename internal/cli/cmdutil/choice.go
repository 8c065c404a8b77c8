package cmdutil

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Choice is a flag that takes one of a few words. Make it with NewChoice.
type Choice struct {
	words  []string
	chosen string
}

// NewChoice returns a choice of these words, of which the first is chosen.
func NewChoice(words ...string) *Choice { return &Choice{words: words, chosen: words[0]} }

// AddOutputFlag gives the command the flag -o, --output.
func (c *Choice) AddOutputFlag(cmd *cobra.Command) {
	cmd.Flags().VarP(c, "output", "o", "`format`: "+strings.Join(c.words, ", "))
	complete(cmd, "output", c.words...)
}

// Set takes a word.
func (c *Choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return fmt.Errorf("use one of %s", strings.Join(c.words, ", "))
	}
	c.chosen = word
	return nil
}

// String returns the word.
func (c *Choice) String() string { return c.chosen }

// Type is what help calls the value.
func (c *Choice) Type() string { return "word" }

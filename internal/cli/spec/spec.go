// Package spec is the command "spec": it prints the contract.
package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	output := cmdutil.NewChoice("yaml", "json")
	cmd := &cobra.Command{
		Use:   "spec",
		Short: "Print the contract, an OpenAPI document",
		Long: `Prints the contract that this program was built with, an OpenAPI 3.0 document.

It says what openapi.yaml of the source says. Comments and the order of keys,
which mean nothing, are lost: what is printed comes from the compiled program.`,
		Example: `  d365backup spec > openapi.yaml
  d365backup spec -o json | jq .info.version`,
		Args: cmdutil.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			text, err := contract(output.String())
			if err != nil {
				return fmt.Errorf("the contract cannot be printed: %w", err)
			}
			_, err = app.Stdout.Write(text)
			return err
		},
	}
	output.AddOutputFlag(cmd)
	return cmd
}

func contract(format string) ([]byte, error) {
	text, err := api.JSON()
	if err != nil {
		return nil, err
	}
	if format == "yaml" {
		return toYAML(text)
	}
	var indented bytes.Buffer
	err = json.Indent(&indented, text, "", "  ")
	indented.WriteByte('\n')
	return indented.Bytes(), err
}

// toYAML writes a JSON document as YAML, which it is already: only the style changes.
func toYAML(text []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	plain(&doc)
	usualOrder(doc.Content[0])
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// plain takes the style of JSON from a node and all below it. Strings keep their tag, so that those
// which look like something else are quoted.
func plain(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		plain(child)
	}
}

// usual is the order in which people expect the keys of an OpenAPI document.
var usual = []string{"openapi", "info", "externalDocs", "servers", "tags", "security", "paths", "components"}

// usualOrder sorts the keys of the document; those not in usual stay behind the others.
func usualOrder(document *yaml.Node) {
	pairs := slices.Collect(slices.Chunk(document.Content, 2))
	slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int { return rank(a[0].Value) - rank(b[0].Value) })
	document.Content = slices.Concat(pairs...)
}

func rank(key string) int {
	if i := slices.Index(usual, key); i >= 0 {
		return i
	}
	return len(usual)
}

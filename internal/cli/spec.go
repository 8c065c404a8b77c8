package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

func newSpec(app *cmdutil.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spec",
		Short: "Print the contract, an OpenAPI document",
		Long: `Prints the contract that this program was built with, an OpenAPI 3.0 document.

It is equivalent to openapi.yaml in the source, without the comments and with
another order of keys: it comes from the compiled program.`,
		Example: `  d365backup spec > openapi.yaml
  d365backup spec -o json | jq .info.version`,
		Args: cmdutil.NoArguments,
	}
	format := cmdutil.AddOutputFlag(cmd, "yaml", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		text, err := api.JSON()
		var out bytes.Buffer
		switch {
		case err == nil && format.String() == "yaml":
			err = writeYAML(&out, text)
		case err == nil:
			err = json.Indent(&out, text, "", "  ")
			out.WriteByte('\n')
		}
		if err != nil {
			return fmt.Errorf("the contract cannot be printed: %w", err)
		}
		_, err = app.Stdout.Write(out.Bytes())
		return err
	}
	return cmd
}

// writeYAML changes the style of a JSON document, which is valid YAML, and puts its keys in the usual order of OpenAPI.
func writeYAML(out io.Writer, text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return err
	}
	useBlockStyle(&doc)
	usual := []string{"openapi", "info", "externalDocs", "servers", "tags", "security", "paths", "components"}
	pairs := slices.Collect(slices.Chunk(doc.Content[0].Content, 2))
	rank := func(pair []*yaml.Node) uint { return uint(slices.Index(usual, pair[0].Value)) } // others, with -1, come last
	slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int { return cmp.Compare(rank(a), rank(b)) })
	doc.Content[0].Content = slices.Concat(pairs...)
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	return errors.Join(encoder.Encode(&doc), encoder.Close())
}

// useBlockStyle removes the style of JSON. Strings keep their tag, so that they are quoted if necessary.
func useBlockStyle(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		useBlockStyle(child)
	}
}

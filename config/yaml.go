package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads the nodes of a configuration file, and collects what is wrong with them.
type decoder struct {
	path     string
	profile  string // empty outside of profiles
	problems []error
}

// maxProblems is how many problems of a profile are reported.
const maxProblems = 10

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, errors.New(d.place(n)+fmt.Sprintf(format, args...)))
	}
}

// place returns the prefix of messages about a node.
func (d *decoder) place(n *yaml.Node) string {
	place := fmt.Sprintf("%s:%d: ", d.path, max(n.Line, 1))
	if d.profile != "" {
		place += "profile " + d.profile + ": "
	}
	return place
}

// err returns the problems as one error.
func (d *decoder) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	return join(d.problems)
}

// parse returns the root of a document, or nil if it is empty.
func parse(path string, text []byte) (*yaml.Node, error) {
	stream := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := stream.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		switch err = stream.Decode(&second); {
		case errors.Is(err, io.EOF):
			return document.Content[0], nil
		case err == nil:
			return nil, invalid("%s:%d: a second document begins: a configuration file has one", path, max(second.Line, 1))
		}
	}
	line, message := syntaxError(text, err)
	return nil, invalid("%s:%d: invalid YAML: %s", path, line, message)
}

var lineOfError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError returns the line and the message of an error of the YAML parser. If the error has no line, it is the first
// one after which the same error occurs.
func syntaxError(text []byte, err error) (line int, message string) {
	found := lineOfError.FindStringSubmatch(err.Error())
	if found == nil {
		return 1, err.Error()
	}
	message = strings.TrimPrefix(err.Error(), found[0])
	if strings.HasPrefix(message, "unknown anchor") { // it quotes what may be a secret
		message = "a value begins with *, but is not the name of an anchor: write it in quotation marks"
	}
	if line, _ = strconv.Atoi(found[1]); line > 0 {
		return line, message
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	line = sort.Search(len(lines), func(i int) bool {
		_, again := yamlNodes(bytes.Join(lines[:i+1], nil))
		return again != nil && again.Error() == err.Error()
	})
	return min(line, len(lines)-1) + 1, message
}

func yamlNodes(text []byte) (nodes []yaml.Node, err error) {
	for stream := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var n yaml.Node
		if err = stream.Decode(&n); err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
	}
}

// field is a key of a mapping and its value.
type field struct {
	key   string
	name  *yaml.Node // the key
	value *yaml.Node
}

// mergeKey is the key under which YAML merges another mapping.
const mergeKey = "<<"

// fields returns the fields of a mapping; what names it in messages.
func (d *decoder) fields(n *yaml.Node, what string) []field {
	const maxMerges = 10 // in a row; a cycle has no end
	var all []field
	for depth := 0; ; depth++ {
		n = target(n)
		switch {
		case n.Kind != yaml.MappingNode:
			d.fail(n, "%s must have keys and values: write it like %[1]s: {key: value}", what)
			return nil
		case depth == maxMerges:
			d.fail(n, "%s merges too many others", what)
			return nil
		}
		next := d.ownFields(n, &all)
		if next == nil {
			return all
		}
		n = next
	}
}

// ownFields adds the fields of a mapping except those that a mapping that merges it has, and returns what it merges itself.
func (d *decoder) ownFields(n *yaml.Node, all *[]field) (merged *yaml.Node) {
	lines := make(map[string]int)
	inherited := make(map[string]bool)
	for _, f := range *all {
		inherited[f.key] = true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key, ok := d.text(name, "a key")
		if !ok {
			continue
		}
		if line, twice := lines[key]; twice {
			d.fail(name, "%q is given twice: it is also on line %d", key, line)
			continue
		}
		lines[key] = name.Line
		switch {
		case key == mergeKey && name.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0:
			merged = value
		case !inherited[key]:
			*all = append(*all, field{key, name, value})
		}
	}
	return merged
}

// target returns the node that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias // never an alias itself
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// text returns a scalar as it is written, so that names such as 2024 or yes need no quotes.
func (d *decoder) text(n *yaml.Node, what string) (string, bool) {
	plain := []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge"}
	switch n = target(n); {
	case isNull(n):
		d.fail(n, "%s has no value: write one, in quotation marks if it is the word null or ~", what)
		return "", false
	case n.Kind != yaml.ScalarNode:
		d.fail(n, "%s must be a single value", what)
		return "", false
	case !slices.Contains(plain, n.Tag):
		d.fail(n, "%s has the YAML tag %s: remove it", what, n.Tag)
		return "", false
	}
	text, err := oneLine(n.Value)
	if err == nil && strings.TrimSpace(text) == "" {
		err = errors.New("empty")
	}
	if err != nil {
		d.fail(n, "%s is %v", what, err)
		return "", false
	}
	return text, true
}

package config

import (
	"bytes"
	"cmp"
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
		d.problems = append(d.problems, errors.New(d.position(n)+fmt.Sprintf(format, args...)))
	}
}

// position returns the prefix of messages about a node.
func (d *decoder) position(n *yaml.Node) string {
	position := fmt.Sprintf("%s:%d: ", d.path, max(n.Line, 1))
	if d.profile != "" {
		position += "profile " + d.profile + ": "
	}
	return position
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
	documents, err := documentsOf(text)
	switch {
	case err != nil:
		line, message := syntaxError(text, err)
		return nil, invalid("%s:%d: invalid YAML: %s", path, line, message)
	case len(documents) > 1:
		return nil, invalid("%s:%d: a second document begins: a configuration file has one", path, documents[1].Line)
	case len(documents) == 0:
		return nil, nil
	}
	return documents[0].Content[0], nil
}

func documentsOf(text []byte) (all []yaml.Node, err error) {
	for stream := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document yaml.Node
		if err = stream.Decode(&document); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, document)
	}
}

var lineOfError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// splitLine returns the line that an error of the YAML parser names, or 0, and its message.
func splitLine(text string) (line int, message string) {
	found := lineOfError.FindStringSubmatch(text)
	line, _ = strconv.Atoi(found[1])
	return line, strings.TrimPrefix(text, found[0])
}

// syntaxError returns the line and the message of an error of the YAML parser. The line is the first one after which the same
// error occurs: the parser names none, or one that is too low.
func syntaxError(text []byte, err error) (line int, message string) {
	_, message = splitLine(err.Error())
	if strings.HasPrefix(message, "unknown anchor") { // it quotes what may be a secret
		message = "a value begins with *, but is not the name of an anchor: write it in quotation marks"
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	return 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, again := documentsOf(bytes.Join(lines[:i+1], nil))
		return again != nil && again.Error() == err.Error()
	}), message
}

// field is a key of a mapping and its value.
type field struct {
	key   string
	name  *yaml.Node // the key; the value if the key is merged from another mapping
	value *yaml.Node
}

// fields returns the fields of a mapping, with those that it merges, in the order of the file; what names it in messages.
func (d *decoder) fields(n *yaml.Node, what string) (all []field) {
	n = target(n)
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s must have keys and values: write it like %[1]s: {key: value}", what)
		return nil
	}
	values := make(map[string]yaml.Node)
	if err := n.Decode(&values); err != nil { // repeated keys, and merging what cannot be merged
		problems := []string{err.Error()}
		if several, ok := errors.AsType[*yaml.TypeError](err); ok {
			problems = several.Errors
		}
		for _, problem := range problems {
			line, message := splitLine(problem)
			d.fail(&yaml.Node{Line: max(line, n.Line)}, "%s: %s", what, message)
		}
		return nil
	}
	names := make(map[string]*yaml.Node)
	for i := 0; i < len(n.Content); i += 2 {
		if text, ok := d.text(n.Content[i], "a key of "+what); ok {
			names[text] = n.Content[i]
		}
	}
	for key, value := range values {
		all = append(all, field{key, cmp.Or(names[key], &value), &value})
	}
	slices.SortFunc(all, func(a, b field) int {
		return cmp.Or(a.name.Line-b.name.Line, a.name.Column-b.name.Column, cmp.Compare(a.key, b.key))
	})
	return all
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

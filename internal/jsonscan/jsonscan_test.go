package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// read reads a whole text.
func read(text []byte) error {
	s := New(text)
	if _, err := s.Value(); err != nil {
		return err
	}
	return s.End()
}

func TestValue(t *testing.T) {
	for text, want := range map[string]Value{
		` "a b" `:              {String, []byte("a b")},
		`""`:                   {String, []byte("")},
		`"ü\u00fc"`:            {Escaped, []byte(`ü\u00fc`)},
		`-0.5E+10`:             {Number, []byte("-0.5E+10")},
		`12`:                   {Number, []byte("12")},
		"\r\n\ttrue":           {True, []byte("true")},
		`false`:                {False, []byte("false")},
		`null`:                 {Null, []byte("null")},
		`{"a":[1,{}] , "b":2}`: {Object, []byte(`{"a":[1,{}] , "b":2}`)},
		`[ ]`:                  {Array, []byte("[ ]")},
	} {
		s := New([]byte(text))
		got, err := s.Value()
		if err != nil || got.Kind != want.Kind || !bytes.Equal(got.Raw, want.Raw) {
			t.Errorf("%s: got %c %q, %v", text, got.Kind, got.Raw, err)
		}
		if err := s.End(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if string(want.Raw) == text && &got.Raw[0] != &s.data[0] {
			t.Errorf("%s is copied", text)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		`"plain"`:                  "plain",
		`"\"\\\/\b\f\n\r\t\u00fc"`: "\"\\/\b\f\n\r\tü",
		`"\ud83d\ude00"`:           "\U0001F600",
		`"\ud83d"`:                 "\uFFFD",
		`1.50`:                     "1.50",
		`[ 1 ]`:                    "[ 1 ]",
	} {
		s := New([]byte(text))
		if v, err := s.Value(); err != nil || v.Text() != want {
			t.Errorf("%s: got %q, %v", text, v.Text(), err)
		}
	}
}

// TestWalk reads an object member by member, as a decoder does.
func TestWalk(t *testing.T) {
	s := New([]byte(` { "a" : 1, "b":[ 2 , 3 ],"c":{} }x`))
	var got []string
	if c := s.Peek(); c != '{' {
		t.Fatalf("next is %q", c)
	}
	err := s.Each('}', func() error {
		if s.TakePrefix([]byte(`"b":`)) {
			return s.Each(']', func() error {
				v, err := s.Value()
				got = append(got, "b="+v.Text())
				return err
			})
		}
		key, err := s.Key()
		if err != nil {
			return err
		}
		v, err := s.Value()
		got = append(got, key.Text()+"="+v.Text())
		return err
	})
	if text := strings.Join(got, " "); err != nil || text != "a=1 b=2 b=3 c={}" {
		t.Errorf("got %s, %v", text, err)
	}
	if s.Rest() != 1 || s.End() == nil {
		t.Errorf("%d bytes are left", s.Rest())
	}
	failure := errors.New("the item's")
	s = New([]byte(`[1]`))
	if err := s.Each(']', func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}

func TestSyntaxError(t *testing.T) {
	for text, want := range map[string]SyntaxError{
		``:              {true, "the JSON ends at byte 0, where a value should be"},
		`{"a":`:         {true, "the JSON ends at byte 5, where a value should be"},
		`"a\u00`:        {true, "the JSON ends at byte 6, where a hexadecimal digit should be"},
		`tru`:           {true, "the JSON ends at byte 3, where true should be"},
		`[1 2]`:         {false, `invalid JSON: '2' at byte 3, where ',' or ']' should be`},
		`{"a" 1}`:       {false, `invalid JSON: '1' at byte 5, where ':' should be`},
		`{1:2}`:         {false, `invalid JSON: '1' at byte 1, where a field name should be`},
		`-01`:           {false, `invalid JSON: '0' at byte 1, where a number without leading zeros should be`},
		"\"a\x01\"":     {false, `invalid JSON: '\x01' at byte 2, where the rest of a string should be`},
		"[\"a\xff\"]":   {false, "invalid JSON: the string at byte 1 is not UTF-8"},
		`"\x"`:          {false, `invalid JSON: 'x' at byte 2, where an escape sequence should be`},
		`[] []`:         {false, "unexpected data after the JSON value, at byte 3"},
		"[]\uFEFF":      {false, "unexpected data after the JSON value, at byte 2"},
		"\uFEFF[]":      {false, `invalid JSON: 'ï' at byte 0, where a value should be`},
		deeply(1e6):     {false, "the JSON is nested more than 100 deep at byte 100"},
		`{"a":1` + "\v": {false, `invalid JSON: '\v' at byte 6, where ',' or '}' should be`},
	} {
		err := read([]byte(text))
		if got, ok := errors.AsType[*SyntaxError](err); !ok || *got != want || err.Error() != want.message {
			t.Errorf("%.20s: got %+v", text, err)
		}
	}
	if err := read([]byte(deeply(MaxDepth))); err != nil {
		t.Error(err)
	}
}

func deeply(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// FuzzScanner compares the Scanner with encoding/json: they agree on what is valid, except for the two differences that
// the package documents.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e-3,true,false,null,"ü\u00fc\"long enough for a word"]}`, "[]x", "[1,]", `{"a" 1}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := read(text)
		want := json.Valid(text) && utf8.Valid(text)
		if got := err == nil; got != want && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= MaxDepth {
			t.Errorf("%q: %v, but valid is %v", text, err, want)
		}
	})
}

package api

import (
	"cmp"
	"slices"
	"strings"
)

// The sources of what the contract says, as [Violation.Source].
const (
	SourceSeed     = "seed"     // the vendor's page of version v1, which this project implements
	SourceEarlier  = "earlier"  // the vendor's OpenAPI description of July 2024, since withdrawn
	SourceLater    = "later"    // the vendor's pages of later dates
	SourceInferred = "inferred" // documented nowhere: this project's reading
)

// Where a violation is, as [Violation.In].
const (
	InBody   = "body"   // the body
	InQuery  = "query"  // the query of a request
	InHeader = "header" // Content-Type, or the Content-Encoding of a request
	InStatus = "status" // the status of an answer
)

// Keywords of violations that no keyword of a schema stands for, as [Violation.Keyword].
const (
	KeywordJSON        = "json"        // the payload is not one JSON value in UTF-8
	KeywordUnique      = "unique"      // a key or a query parameter is there twice
	KeywordContent     = "content"     // the media type is none of the contract's
	KeywordRequestBody = "requestBody" // a body is missing, or there is one where none belongs
	KeywordParameters  = "parameters"  // a query parameter that the contract does not know
	KeywordResponses   = "responses"   // a status that the contract does not know
	KeywordMore        = "more"        // there are more violations than are told
)

// Violation is one breach of the contract. Its JSON form is part of this package's surface.
type Violation struct {
	// In is the part of the message: [InBody], [InQuery], [InHeader] or [InStatus].
	In string `json:"in"`
	// Pointer is the JSON pointer (RFC 6901) of the value, from the root of the payload; of a missing
	// or unknown property, where it would be or is. In a query it is a slash and the parameter's
	// name. Empty: the whole. Cut short, with an ellipsis at its end, if longer than 1 KiB.
	Pointer string `json:"pointer"`
	// Keyword is the keyword of the contract that was broken, such as "minimum", or one of this
	// package's Keyword constants.
	Keyword string `json:"keyword"`
	// Found is what was there: a number, a string in quotes, or words; cut short if long. It is a piece
	// of the payload, to be treated like one in logs.
	Found string `json:"found"`
	// Want is what the contract says, in words.
	Want string `json:"want"`
	// Source states who documents the rule that was broken, in this place: [SourceSeed],
	// [SourceEarlier], [SourceLater] or [SourceInferred]. A property may be documented, and that it is
	// required inferred; an enum may be documented for requests, and inferred for responses. Empty for
	// the rules of JSON and of URLs.
	Source string `json:"source,omitempty"`
	// Hint states how the contract reads its sources if they contradict each other in this place. Empty
	// if they do not.
	Hint string `json:"hint,omitempty"`
}

// String is the violation in one line.
func (v Violation) String() string {
	var b strings.Builder
	b.WriteString(v.In)
	if v.Pointer != "" {
		b.WriteString(" ")
		b.WriteString(oneLine(v.Pointer))
	}
	b.WriteString(": " + v.Keyword + ": found " + v.Found + ", want " + v.Want)
	if v.Source != "" {
		b.WriteString(" (" + v.Source + ")")
	}
	if v.Hint != "" {
		b.WriteString(": " + v.Hint)
	}
	return b.String()
}

// Violations are all breaches in one message, sorted by place, then by keyword. As an error it is
// found with [errors.As]; its text has one line for each.
//
// A message of a few bytes can break the contract very often, so not all are told where they are very
// many: of a query, of the repeated keys of a body, and of what is wrong with its values the first
// thousand each, and one of [KeywordMore] for the rest.
type Violations []Violation

// Error is the violations, one line each.
func (vs Violations) Error() string {
	lines := make([]string, len(vs))
	for i, v := range vs {
		lines[i] = v.String()
	}
	return strings.Join(lines, "\n")
}

// maxViolations bounds the violations of a query, of a body's text and of its values.
const maxViolations = 1000

// add appends v, or says that there are more if vs is as long as it may be.
func (vs Violations) add(v Violation) Violations {
	switch {
	case vs.full():
		return vs
	case len(vs) == maxViolations:
		v = Violation{In: v.In, Keyword: KeywordMore, Found: "more violations than are told", Want: "none"}
	}
	return append(vs, v)
}

// full tells whether nothing can be added.
func (vs Violations) full() bool { return len(vs) > maxViolations }

// err is vs as an error, sorted; nil if there are none.
func (vs Violations) err() error {
	if len(vs) == 0 {
		return nil
	}
	return vs.sorted()
}

// sorted sorts vs in place and removes repetitions.
func (vs Violations) sorted() Violations {
	slices.SortFunc(vs, func(a, b Violation) int {
		return cmp.Or(
			cmp.Compare(a.In, b.In),
			comparePointers(a.Pointer, b.Pointer),
			cmp.Compare(a.Keyword, b.Keyword),
			cmp.Compare(a.Found, b.Found),
			cmp.Compare(a.Want, b.Want),
			cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Hint, b.Hint),
		)
	})
	return slices.Compact(vs)
}

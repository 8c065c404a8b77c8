package api

import (
	"cmp"
	"slices"
	"strings"
)

// The sources of the contract, as [Violation.Source].
const (
	SourceSeed     = "seed"     // the vendor's page of version v1, which this project implements
	SourceEarlier  = "earlier"  // the vendor's OpenAPI description of July 2024, now withdrawn
	SourceLater    = "later"    // later pages of the vendor
	SourceInferred = "inferred" // not documented: this project's conclusion
)

// The parts of a message, as [Violation.In].
const (
	InBody   = "body"   // the body
	InQuery  = "query"  // the query of a request
	InHeader = "header" // Content-Type, or the Content-Encoding of a request
	InStatus = "status" // the status of a response
)

// Keywords of this package, as [Violation.Keyword], for rules that are not in a schema.
const (
	KeywordJSON        = "json"        // the payload is not one JSON value in UTF-8
	KeywordUnique      = "unique"      // a key or a query parameter is repeated
	KeywordContent     = "content"     // the contract does not have the media type
	KeywordRequestBody = "requestBody" // the body is missing, or must be empty
	KeywordParameters  = "parameters"  // the contract does not have the query parameter
	KeywordResponses   = "responses"   // the contract does not have the status
	KeywordMore        = "more"        // there are more violations than reported
)

// Violation is one violation of the contract. Its JSON form is part of the API of this package.
type Violation struct {
	// In is the part of the message: [InBody], [InQuery], [InHeader] or [InStatus].
	In string `json:"in"`
	// Pointer is the JSON pointer (RFC 6901) of the value in the payload. For a missing property, it is where
	// the property should be. In a query it is a slash and the parameter's name. It is empty for the whole
	// message. If it is longer than 1 KiB, it is shortened and ends in an ellipsis.
	Pointer string `json:"pointer"`
	// Keyword is the violated keyword of the contract, such as "minimum", or one of the Keyword constants.
	Keyword string `json:"keyword"`
	// Found describes the value: a number, a string in quotes, or words. It is shortened if long. It is part
	// of the payload, so log it only where you would log the payload.
	Found string `json:"found"`
	// Want describes what the contract requires.
	Want string `json:"want"`
	// Source states which document has the violated rule: [SourceSeed], [SourceEarlier], [SourceLater] or
	// [SourceInferred]. The rules for one property may have different sources: the property may be documented
	// and its presence inferred, or an enum documented for requests and inferred for responses. It is empty
	// for the rules of JSON and of URLs.
	Source string `json:"source,omitempty"`
	// Hint explains the ruling if the documents contradict each other here. It is empty if they do not.
	Hint string `json:"hint,omitempty"`
}

// String returns the violation in one line.
func (v Violation) String() string {
	place := v.In
	if v.Pointer != "" {
		place += " " + oneLine(v.Pointer)
	}
	text := place + ": " + v.Keyword + ": found " + v.Found + ", want " + v.Want
	if v.Source != "" {
		text += " (" + v.Source + ")"
	}
	if v.Hint != "" {
		text += ": " + v.Hint
	}
	return text
}

// Violations are all violations in one message, sorted by place, then by keyword. Find them in an error with
// [errors.As]. The error text has one line for each.
//
// A short message can have very many violations. So the violations of a query, of the keys of a body and of
// its values are each limited to the first thousand, and one of [KeywordMore] stands for the rest.
type Violations []Violation

// Error returns the violations, one line each.
func (vs Violations) Error() string {
	lines := make([]string, len(vs))
	for i, v := range vs {
		lines[i] = v.String()
	}
	return strings.Join(lines, "\n")
}

const maxViolations = 1000

// add appends v, or a violation of KeywordMore if vs has the maximum.
func (vs Violations) add(v Violation) Violations {
	switch {
	case vs.full():
		return vs
	case len(vs) == maxViolations:
		v = Violation{In: v.In, Keyword: KeywordMore, Found: "more violations than reported", Want: "none"}
	}
	return append(vs, v)
}

// full reports whether add has no effect.
func (vs Violations) full() bool { return len(vs) > maxViolations }

// err returns vs as an error, sorted, or nil if there are none.
func (vs Violations) err() error {
	if len(vs) == 0 {
		return nil
	}
	return vs.sorted()
}

// sorted sorts vs in place and removes duplicates.
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

package d365backup

import "slices"

// DriftKind is how an answer differed from the contract.
type DriftKind string

// The kinds of drift. What becomes of the value is said with each.
const (
	// DriftUnknownField: a field that this package does not know. It is left out.
	DriftUnknownField DriftKind = "unknown field"
	// DriftOtherCase: a field's name differs from the contract's in case only. It is taken.
	DriftOtherCase DriftKind = "other case"
	// DriftDuplicateField: a field is there twice. The last value counts, but one with the
	// contract's name counts before one with another name.
	DriftDuplicateField DriftKind = "duplicate field"
	// DriftMissing: a required field is absent, null or empty.
	DriftMissing DriftKind = "missing required"
	// DriftEnvelope: the list or the total came under another name than the contract's, or the list
	// came bare.
	DriftEnvelope DriftKind = "other envelope"
	// DriftByteOrderMark: the answer begins with a byte-order mark.
	DriftByteOrderMark DriftKind = "byte-order mark"
	// DriftUnknownValue: a type or a status that this package does not know. A number other than 0 is
	// kept. 0 and a word become JobTypeUnknown or JobStatusUnknown, and are kept in Job.UnknownType or
	// Job.UnknownStatus.
	DriftUnknownValue DriftKind = "unknown value"
	// DriftWord: a word for the number of a type or a status. It is taken.
	DriftWord DriftKind = "word for a number"
	// DriftTextNumber: a number written as text, such as "12". It is taken.
	DriftTextNumber DriftKind = "text for a number"
	// DriftDecimal: a whole number written with a fraction or an exponent, such as 1.0 or 1e3. It is
	// taken.
	DriftDecimal DriftKind = "decimal for an integer"
	// DriftInexact: a number that the field cannot hold. A fraction is rounded, a number out of range
	// becomes the nearest limit; a total becomes -1.
	DriftInexact DriftKind = "inexact number"
	// DriftNumberText: a number or a truth value where text should be. Its characters are taken.
	DriftNumberText DriftKind = "number for text"
	// DriftDamagedText: text with a replacement character, such as half of a surrogate pair becomes.
	DriftDamagedText DriftKind = "damaged text"
	// DriftMalformedGUID: an organization's id that is no GUID. It is kept as sent.
	DriftMalformedGUID DriftKind = "malformed GUID"
	// DriftNoZone: a time without a zone. It is taken as UTC.
	DriftNoZone DriftKind = "time without zone"
	// DriftPlaceholder: a job that has not ended has a finish time that cannot be one, such as
	// 0001-01-01T00:00:00 or 1900-01-01T00:00:00Z. It is left out: the job is not finished.
	DriftPlaceholder DriftKind = "placeholder time"
	// DriftUnreadable: a value that makes no sense for its field. It is left out: the field is 0,
	// empty or the zero time, and a total is -1.
	DriftUnreadable DriftKind = "unreadable value"
	// DriftPaging: a page's size, number, total or nextLink disagrees with the others, or jobs on it
	// were on a page before, as when the list moved. The list is read by number all the same, and such
	// jobs are dropped.
	DriftPaging DriftKind = "paging"
	// DriftSuccessor: version v1 was not found, and its successor is used from now on; see APIAuto. It is
	// reported once for a Client. The value is that of APIGraph.
	DriftSuccessor DriftKind = "successor"
	// DriftMore: stands for all drift of a page beyond the first few dozen kinds and fields.
	DriftMore DriftKind = "more"
)

// Drift is one way in which a page differed from the contract and was understood all the same. It
// shows a change of the service before it hurts.
type Drift struct {
	// Kind is how the page differed.
	Kind DriftKind
	// Field is where: the contract's name with its path, such as "jobs.status"; for an unknown field
	// its own name, at most 64 bytes. Empty where the whole answer is meant.
	Field string
	// Value is the first such value, as the service wrote it: at most 64 bytes, with control
	// characters removed; empty if the response repeats the token. It is data of the service, so mind where
	// you log it.
	Value string
	// Count is how often this kind occurred at this field on the page; of DriftUnknownValue, how often this
	// value did.
	Count int
}

// What a page may report, so that a strange answer can fill neither memory nor a log.
const (
	maxDrifts    = 32
	maxDriftText = 64
)

// drifts collects what was tolerated on one page. It allocates nothing while there is nothing.
type drifts []Drift

func (d *drifts) add(kind DriftKind, field string, value []byte) {
	example := ""
	if kind == DriftUnknownValue {
		example = driftText(value)
	}
	at := slices.IndexFunc(*d, func(have Drift) bool {
		return have.Kind == kind && have.Field == field && (kind != DriftUnknownValue || have.Value == example)
	})
	switch {
	case at >= 0:
		(*d)[at].Count++
	case len(*d) < maxDrifts-1 || kind == DriftMore:
		*d = append(*d, Drift{Kind: kind, Field: field, Value: driftText(value), Count: 1})
	default:
		d.add(DriftMore, "", nil)
	}
}

func driftText(value []byte) string {
	return excerpt(string(value[:min(len(value), 4*maxDriftText)]), maxDriftText)
}

// addUnknown adds an unknown field, and builds its path only the first time.
func (d *drifts) addUnknown(path, name string, value []byte) {
	at := slices.IndexFunc(*d, func(have Drift) bool {
		return have.Kind == DriftUnknownField && len(have.Field) == len(path)+len(name) &&
			have.Field[:len(path)] == path && have.Field[len(path):] == name
	})
	if at >= 0 {
		(*d)[at].Count++
		return
	}
	d.add(DriftUnknownField, excerpt(path+name, maxDriftText), value)
}

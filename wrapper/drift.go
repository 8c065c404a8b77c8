package d365backup

import "github.com/d365backup/d365backup/internal/lenient"

// Drift is one way in which a page differed from the contract and was still understood. It shows a change of the service
// before it causes failures.
type Drift struct {
	// Kind is how the page differed.
	Kind DriftKind
	// Field is the contract's name of the field with its path, such as "jobs.status", or an unknown field's own name, at most
	// 64 bytes. Empty for a whole response.
	Field string
	// Value is the first such value as the service sent it: at most 64 bytes without control characters. Empty if the response
	// repeats the token. It is data of the service, so take care where you log it.
	Value string
	// Count is how often this kind occurred at this field of the page; for DriftUnknownValue, how often this value did.
	Count int
}

// DriftKind is how a response differed from the contract.
type DriftKind string

// The kinds of drift, and what happens to the value.
const (
	// DriftUnknownField is a field that this package does not know. It is left out.
	DriftUnknownField = DriftKind(lenient.UnknownField)
	// DriftOtherCase is a field whose name differs from the contract's in case only. It is accepted.
	DriftOtherCase = DriftKind(lenient.OtherCase)
	// DriftDuplicateField is a field that occurs twice. The last value is used, except that one under the contract's name
	// takes precedence over one under another name.
	DriftDuplicateField = DriftKind(lenient.DuplicateField)
	// DriftMissing is a required field that is absent, null or empty.
	DriftMissing = DriftKind(lenient.Missing)
	// DriftEnvelope is a list or a total under another name than the contract's, or a list without an object around it.
	DriftEnvelope DriftKind = "other envelope"
	// DriftByteOrderMark is a byte-order mark at the start of the response.
	DriftByteOrderMark DriftKind = "byte-order mark"
	// DriftUnknownValue is a type or status that this package does not know. A number other than 0 is kept. 0 and a word
	// become JobTypeUnknown or JobStatusUnknown, with the original in Job.UnknownType or Job.UnknownStatus.
	DriftUnknownValue = DriftKind(lenient.UnknownValue)
	// DriftWord is a word instead of the number of a type or status. It is accepted.
	DriftWord = DriftKind(lenient.Word)
	// DriftTextNumber is a number in a string, such as "12". It is accepted.
	DriftTextNumber = DriftKind(lenient.TextNumber)
	// DriftDecimal is a whole number with a fraction or an exponent, such as 1.0 or 1e3. It is accepted.
	DriftDecimal = DriftKind(lenient.Decimal)
	// DriftInexact is a number that the field cannot hold. A fraction is rounded, a number out of range becomes the nearest
	// limit, and a total becomes -1.
	DriftInexact = DriftKind(lenient.Inexact)
	// DriftNumberText is a number or a boolean instead of a string. Its characters are kept.
	DriftNumberText = DriftKind(lenient.NumberText)
	// DriftDamagedText is a string with a replacement character, such as one that stands for half of a surrogate pair.
	DriftDamagedText = DriftKind(lenient.DamagedText)
	// DriftMalformedGUID is an invalid GUID of an organization. It is kept as sent.
	DriftMalformedGUID DriftKind = "malformed GUID"
	// DriftNoZone is a time without a zone. It is taken as UTC.
	DriftNoZone = DriftKind(lenient.NoZone)
	// DriftPlaceholder is a finish time that is not a real one, such as 0001-01-01T00:00:00 or 1900-01-01T00:00:00Z, of a job
	// that has not ended. It is left out.
	DriftPlaceholder DriftKind = "placeholder time"
	// DriftUnreadable is a value that makes no sense for its field. It is left out, as if it were missing.
	DriftUnreadable = DriftKind(lenient.Unreadable)
	// DriftPaging is a page whose size, number, total or nextLink disagrees with the others, or with jobs that were on an
	// earlier page, as after a change of the list. The list is still read by page number, and such jobs are dropped.
	DriftPaging DriftKind = "paging"
	// DriftSuccessor means that the successor of version v1 is used from now on; see APIAuto. It is reported once per Client.
	DriftSuccessor DriftKind = "successor"
	// DriftMore represents all drift of a page beyond the first few dozen kinds and fields.
	DriftMore = DriftKind(lenient.More)
)

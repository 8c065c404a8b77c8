package d365backup

import (
	"bytes"
	"errors"
	"fmt"
)

// pageData is what one answer says.
type pageData struct {
	jobs []Job
	// total is how many jobs match over all pages; -1 where the answer does not say.
	total int64
	// pageIndex and pageSize are the numbers asked for, echoed; 0 where they are not.
	pageIndex, pageSize int64
	// nextLink is where the next page is, as sent; empty on the last page.
	nextLink string
	// drift is how the answer differed from the contract.
	drift []Drift
}

// maxPageJobs bounds the jobs of one answer. A job of few fields takes many times its size in memory,
// so the limit on the size of a body does not bound that. No body of the default limit holds so many
// jobs with all their fields.
const maxPageJobs = 100_000

// decodePage reads the body of an answer to a request for a page of size jobs. It takes every valid
// JSON text that is a list of jobs: as the contract has it, or as drift.go says. Otherwise the error is
// an *Error with an excerpt of the body: ErrTruncated where the JSON ends before its end, ErrTooLarge
// beyond maxPageJobs, and ErrNotJobs for all else, an empty body among it. The result shares no
// memory with body.
func decodePage(body []byte, size int) (pageData, error) {
	d := decoder{scanner: scanner{body: body}, size: size, page: pageData{total: -1}}
	err := d.document()
	if failure, ok := errors.AsType[*Error](err); ok {
		failure.Excerpt = excerpt(string(body[:min(len(body), 4*maxExcerpt)]), maxExcerpt)
		return pageData{}, failure
	}
	d.page.drift = d.drifts
	return d.page, nil
}

func notJobs(format string, args ...any) error {
	return &Error{Kind: ErrNotJobs, Message: fmt.Sprintf(format, args...)}
}

// decoder reads one page in one pass.
type decoder struct {
	scanner
	page   pageData
	drifts drifts
	size   int

	envelopeSeen     fieldSet
	listed, nullList bool
	failure          failure
	jobReader
}

// failure is what a sister service says in its report of an error.
type failure struct {
	status             int64
	message, requestID string
}

// document reads the whole body.
func (d *decoder) document() error {
	const byteOrderMark = "\xEF\xBB\xBF"
	if bytes.HasPrefix(d.body, []byte(byteOrderMark)) {
		d.drifts.add(DriftByteOrderMark, "", nil)
		d.pos = len(byteOrderMark)
	}
	var err error
	switch first := d.peek(); {
	case d.pos == len(d.body):
		err = notJobs("the body is empty")
	case first == '{':
		err = d.envelope()
	case first == '[':
		d.drifts.add(DriftEnvelope, "jobs", nil)
		err = d.list()
	default:
		if err = d.skip(); err == nil {
			err = notJobs("the body is neither an object nor a list")
		}
	}
	if err != nil {
		return err
	}
	if d.peek(); d.pos < len(d.body) {
		return notJobs("the JSON ends at byte %d, but the body goes on", d.pos)
	}
	return nil
}

// envelopeTable has the fields around the list: those of the contract; the list and the total as the
// release of October 2024 called them; and those of a sister service's report of an error.
var envelopeTable = newFieldTable("",
	"totalCount", "jobs", "pageIndex", "pageSize", "nextLink",
	"totalNumber", "result",
	"statusCode", "message", "requestId")

// envelope reads the object around the list.
func (d *decoder) envelope() error {
	if err := d.each('}', d.envelopeMember); err != nil {
		return err
	}
	switch f := d.failure; {
	case f.status >= 400 || !d.listed && f.message != "":
		return &Error{
			Kind:      ErrNotJobs,
			Message:   fmt.Sprintf("the answer reports a failure, status %d: %q", f.status, excerpt(f.message, 200)),
			RequestID: excerpt(f.requestID, 200),
		}
	case !d.listed && !d.nullList:
		return notJobs("the object has no list of jobs")
	case !d.listed && d.page.total != 0:
		return notJobs("the list of jobs is null, but the total is not 0")
	case d.page.total < 0:
		d.drifts.add(DriftMissing, "totalCount", nil)
	}
	return nil
}

// envelopeMember reads one field around the list.
func (d *decoder) envelopeMember() error {
	key, err := d.key()
	if err != nil {
		return err
	}
	place := envelopeTable.find(key, &d.drifts)
	name := envelopeTable.name(place)
	isList := name == "jobs" || name == "result"
	if isList && d.peek() == '[' {
		return d.envelopeList(place)
	}
	v, err := d.value()
	switch {
	case err != nil:
		return err
	case place < 0:
		d.drifts.addUnknown("", keyText(key), v.raw)
	case isList && v.kind == kindNull:
		d.nullList = true
	case isList:
		d.drifts.add(DriftUnreadable, name, v.raw)
	case !v.absent():
		d.envelopeSeen.mark(place, name, &d.drifts)
		d.envelopeValue(name, v)
	}
	return nil
}

// envelopeList reads the list. That of the contract's name counts, should there be two.
func (d *decoder) envelopeList(place int) error {
	name := envelopeTable.name(place)
	d.envelopeSeen.mark(place, name, &d.drifts)
	if name == "result" {
		d.drifts.add(DriftEnvelope, name, nil)
		if d.listed {
			return d.skip()
		}
	}
	d.listed = true
	return d.list()
}

func (d *decoder) envelopeValue(name string, v token) {
	switch name {
	case "totalCount":
		d.page.total = d.total(v, name)
	case "totalNumber":
		d.drifts.add(DriftEnvelope, name, nil)
		if d.page.total < 0 {
			d.page.total = d.total(v, name)
		}
	case "pageIndex":
		d.page.pageIndex, _ = d.integer(v, name)
	case "pageSize":
		d.page.pageSize, _ = d.integer(v, name)
	case "nextLink":
		d.page.nextLink = d.text(v, name)
	case "statusCode":
		d.drifts.addUnknown("", name, v.raw)
		d.failure.status, _ = d.integer(v, name)
	case "message":
		d.drifts.addUnknown("", name, v.raw)
		d.failure.message = d.text(v, name)
	case "requestId":
		d.drifts.addUnknown("", name, v.raw)
		d.failure.requestID = d.text(v, name)
	}
}

// total returns a count of jobs, or -1 where the value is not exactly one.
func (d *decoder) total(v token, field string) int64 {
	n, exact := d.integer(v, field)
	switch {
	case !exact:
		return -1
	case n < 0:
		d.drifts.add(DriftUnreadable, field, v.raw)
		return -1
	}
	return n
}

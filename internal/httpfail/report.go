package httpfail

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

// Report is what the JSON object of a response states about a failure, instead of or beside the list of jobs. Read decides
// whether it makes a response with status 200 an error:
//
//   - statusCode and status: a number from 400 on is a failure. Any other number except 0 and 200 to 299, and any word
//     except successWords, is one if there are no jobs.
//   - success: false and 0 are a failure. Any other value except true, 1 and successWords is one if there are no jobs.
//   - error and errors: everything except null, false, 0, "", [] and {} is a failure.
//   - message: every string except successWords is a failure if there are no jobs.
//
// "No jobs" includes an empty list and null: a failure must not pass for an empty list. Anything else is drift, like an
// unknown field.
type Report struct {
	failed, doubtful   bool // doubtful: a failure if there are no jobs
	status             string
	code               string // the value of error, if it is a string
	messages           []string
	requestID, traceID string
}

// ReportFields are the fields of the known failure envelopes. The service documents none of them; sister services of the
// same API send them, and token endpoints send error.
var ReportFields = []string{"statusCode", "status", "success", "error", "errors", "message", "requestId", "traceId"}

// successWords are the values that report success or nothing, in lower case.
var successWords = []string{"", "ok", "success", "successful", "succeeded", "true"}

// readReport reads the report in a body, as far as the body is a JSON object.
func readReport(body []byte) (r Report) {
	s := jsonscan.New(body)
	if s.Peek() != '{' {
		return r
	}
	_ = s.Each('}', func() error {
		key, err := s.Key()
		if err != nil {
			return err
		}
		v, err := s.Value()
		isField := func(name string) bool { return strings.EqualFold(name, key.Text()) }
		if i := slices.IndexFunc(ReportFields, isField); err == nil && i >= 0 && v.Kind != jsonscan.Null {
			r.Read(ReportFields[i], v)
		}
		return err
	})
	return r
}

// Read reads one of ReportFields, which is not null.
func (r *Report) Read(field string, v jsonscan.Value) {
	text := strings.TrimSpace(Clean(v.Text(), 200))
	failed, fine := false, slices.Contains(successWords, strings.ToLower(text))
	switch field {
	case "requestId":
		r.requestID = text
		return
	case "traceId":
		r.traceID = text
		return
	case "statusCode", "status":
		number, err := strconv.ParseFloat(text, 64)
		isNumber := err == nil && jsonscan.IsNumeral(text)
		failed = isNumber && number >= 400
		fine = fine || isNumber && (number == 0 || number >= 200 && number < 300)
		if !fine {
			r.status = text
		}
	case "success":
		failed = strings.EqualFold(text, "false") || text == "0"
		fine = fine || text == "1"
	default: // error, errors, message
		if v.Kind == jsonscan.Object || v.Kind == jsonscan.Array {
			text = errorText(v.Raw)
			fine = slices.Contains(successWords, strings.ToLower(text))
		}
		if field != "message" {
			fine = text == "" || text == "false" || text == "0"
			failed = !fine
		}
		if field == "error" && v.IsString() {
			r.code = text
		}
		if !fine && !slices.Contains(r.messages, text) {
			r.messages = append(r.messages, text)
		}
	}
	r.failed = r.failed || failed
	r.doubtful = r.doubtful || !fine
}

// errorText returns the message of an error in one of the known forms: a string, {code, field, message}, and lists of
// these. It is empty for an empty list or object.
func errorText(value json.RawMessage) (text string) {
	switch value[0] {
	case '"':
		_ = json.Unmarshal(value, &text) // cannot fail: the scanner has read it
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(value, &list)
		var texts []string
		for _, item := range list[:min(len(list), 3)] {
			texts = append(texts, errorText(item))
		}
		text = strings.Join(texts, "; ")
	case '{':
		var fields map[string]any
		var known struct{ Field, Message string }
		_ = json.Unmarshal(value, &fields)
		_ = json.Unmarshal(value, &known) // fields of other types are left out
		switch {
		case known.Message != "":
			text = strings.TrimPrefix(known.Field+": "+known.Message, ": ")
		case len(fields) > 0:
			text = string(value)
		}
	default:
		text = string(value)
	}
	return Clean(text, 200)
}

// Failure returns the failure that a response with status 200 and this many jobs reports; nil for none.
func (r *Report) Failure(jobs int) *Failure {
	if !r.failed && (!r.doubtful || jobs > 0) {
		return nil
	}
	text := "the response reports a failure"
	if r.status != "" {
		text += ", status " + r.status
	}
	return &Failure{Reason: NotJobs, Text: text, Message: r.message(), RequestID: cmp.Or(r.requestID, r.traceID)}
}

func (r *Report) message() string { return Clean(strings.Join(r.messages, "; "), maxMessage) }

package httpfail

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

// Report is what the JSON object of a response with status 200 states about a failure, instead of or beside the list of
// jobs. Read decides whether it makes the response an error:
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
	messages           []string
	requestID, traceID string
}

// ReportFields are the fields of the known failure envelopes. The service documents none of them; sister services of the
// same API send them.
var ReportFields = []string{"statusCode", "status", "success", "error", "errors", "message", "requestId", "traceId"}

// successWords are the values that report success or nothing, in lower case.
var successWords = []string{"", "ok", "success", "successful", "succeeded", "true"}

// Read reads one of ReportFields.
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
		isNumber := err == nil && strings.Trim(text, "0123456789+-.eE") == ""
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
			var value any
			_ = json.Unmarshal(v.Raw, &value) // cannot fail: the scanner has read it
			text = errorText(value)
			fine = slices.Contains(successWords, strings.ToLower(text))
		}
		if field != "message" {
			fine = text == "" || text == "false" || text == "0"
			failed = !fine
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
func errorText(value any) string {
	switch value := value.(type) {
	case string:
		return Clean(value, 200)
	case []any:
		var texts []string
		for _, one := range value[:min(len(value), 3)] {
			texts = append(texts, errorText(one))
		}
		return strings.Join(texts, "; ")
	case map[string]any:
		if message, ok := value["message"].(string); ok && message != "" {
			if field, ok := value["field"].(string); ok && field != "" {
				message = field + ": " + message
			}
			return Clean(message, 200)
		}
		if len(value) == 0 {
			return ""
		}
	}
	text, _ := json.Marshal(value) // cannot fail: json has just read it
	return Clean(string(text), 200)
}

// Failure returns the failure that a response with this many jobs reports; nil for none.
func (r *Report) Failure(jobs int) *Failure {
	if !r.failed && (!r.doubtful || jobs > 0) {
		return nil
	}
	text := "the response reports a failure"
	if r.status != "" {
		text += ", status " + r.status
	}
	return &Failure{
		Reason:    NotJobs,
		Text:      text,
		Message:   Clean(strings.Join(r.messages, "; "), maxMessage),
		RequestID: cmp.Or(r.requestID, r.traceID),
	}
}

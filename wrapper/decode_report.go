package d365backup

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

// failureReport is what an envelope says about a failure, in place of the list of jobs or beside it.
// Whether that makes the response an error is decided here alone:
//
//   - statusCode and status: a number from 400 on is a failure. Any other number except 0 and 200 to 299,
//     and any word except successWords, is one if there are no jobs.
//   - success: false and 0 are a failure. Any other value except true, 1 and successWords is one if there
//     are no jobs.
//   - error and errors: everything except null, false, 0, "", [] and {} is a failure.
//   - message: every text except successWords is a failure if there are no jobs.
//
// "No jobs" also means an empty list or a null: a failure must not pass for an empty list. What is no
// failure is drift, like any unknown field.
type failureReport struct {
	// failed is a failure whatever the list holds; doubtful is one if there are no jobs.
	failed, doubtful   bool
	status             string
	texts              []string
	requestID, traceID string
}

// reportFields are the fields of the known failure envelopes. The service documents none of them; sister
// services of the same API send them.
var reportFields = []field{
	{name: "statusCode", read: (*decoder).reportStatus},
	{name: "status", read: (*decoder).reportStatus},
	{name: "success", read: (*decoder).reportSuccess},
	{name: "error", read: (*decoder).reportError},
	{name: "errors", read: (*decoder).reportError},
	{name: "message", read: (*decoder).reportMessage},
	{name: "requestId", read: func(d *decoder, v jsonscan.Value, path string) { d.report.requestID = d.reported(v, path) }},
	{name: "traceId", read: func(d *decoder, v jsonscan.Value, path string) { d.report.traceID = d.reported(v, path) }},
}

// successWords are the values that report a success or nothing, in lower case.
var successWords = []string{"", "ok", "success", "successful", "succeeded", "true"}

func isSuccessWord(text string) bool { return slices.Contains(successWords, strings.ToLower(text)) }

// reported returns the characters of a value that the contract does not have, and reports it as drift.
func (d *decoder) reported(v jsonscan.Value, path string) string {
	d.drifts.addUnknown("", path, v.Raw)
	return strings.TrimSpace(excerpt(v.Text(), 200))
}

func (d *decoder) reportStatus(v jsonscan.Value, path string) {
	text := d.reported(v, path)
	number, err := strconv.ParseFloat(text, 64)
	switch isNumber := err == nil && isNumeral(text); {
	case isNumber && number >= 400:
		d.report.failed = true
	case isNumber && (number == 0 || number >= 200 && number < 300), isSuccessWord(text):
		return
	default:
		d.report.doubtful = true
	}
	d.report.status = text
}

func (d *decoder) reportSuccess(v jsonscan.Value, path string) {
	switch text := d.reported(v, path); {
	case strings.EqualFold(text, "false") || text == "0":
		d.report.failed = true
	case text != "1" && !isSuccessWord(text):
		d.report.doubtful = true
	}
}

func (d *decoder) reportMessage(v jsonscan.Value, path string) {
	if text := d.reportedText(v, path); !isSuccessWord(text) {
		d.report.doubtful = true
		d.report.add(text)
	}
}

func (d *decoder) reportError(v jsonscan.Value, path string) {
	if text := d.reportedText(v, path); text != "" && text != "false" && text != "0" {
		d.report.failed = true
		d.report.add(text)
	}
}

// reportedText returns what reported does, but of an object or a list what it says.
func (d *decoder) reportedText(v jsonscan.Value, path string) string {
	text := d.reported(v, path)
	if v.Kind == jsonscan.Object || v.Kind == jsonscan.Array {
		var value any
		_ = json.Unmarshal(v.Raw, &value) // cannot fail: the scanner has read it
		text = errorText(value)
	}
	return text
}

// errorText returns what an error says, for which several forms are known: a text, {code, field, message},
// and lists of these. It is empty for an empty list or object.
func errorText(value any) string {
	switch value := value.(type) {
	case string:
		return excerpt(value, 200)
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
			return excerpt(message, 200)
		}
		if len(value) == 0 {
			return ""
		}
	}
	text, _ := json.Marshal(value) // of what json has just read
	return excerpt(string(text), 200)
}

// add adds a text, unless it is there already.
func (r *failureReport) add(text string) {
	if !slices.Contains(r.texts, text) {
		r.texts = append(r.texts, text)
	}
}

// failure returns the error that the report makes of the response; nil for none.
func (r *failureReport) failure(jobs int) error {
	if !r.failed && (!r.doubtful || jobs > 0) {
		return nil
	}
	message := "the response reports a failure"
	if r.status != "" {
		message += ", status " + r.status
	}
	requestID := r.requestID
	if requestID == "" {
		requestID = r.traceID
	}
	return &Error{Kind: ErrNotJobs, Message: message, ServiceMessage: excerpt(strings.Join(r.texts, "; "), 500), RequestID: requestID}
}

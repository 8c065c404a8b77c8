package d365backup

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/bench"
	"github.com/d365backup/d365backup/internal/jsonscan"
)

func pageWith(value string) string {
	return `{"totalCount":1,"jobs":[{"jobId":"A","x":` + value + `}]}`
}

var refusedBodies = []struct {
	name, body string
	kind       error
	message    string
}{
	{"empty", "", ErrNotJobs, "the body is empty"},
	{"white space", " \n", ErrNotJobs, "the body is empty"},
	{"byte-order mark alone", "\xEF\xBB\xBF", ErrNotJobs, "the body is empty"},
	{"HTML", "<!DOCTYPE html><html><body>Sign in</body></html>", ErrNotJobs, `'<' at byte 0`},
	{"text", "Service unavailable", ErrNotJobs, `'S' at byte 0`},
	{"UTF-16", "\xFF\xFE{\x00}\x00", ErrNotJobs, "at byte 0"},
	{"null", "null", ErrNotJobs, "neither an object nor a list"},
	{"number", "12", ErrNotJobs, "neither an object nor a list"},
	{"string", `"no"`, ErrNotJobs, "neither an object nor a list"},
	{"{}", "{}", ErrNotJobs, "no list of jobs"},
	{"total alone", `{"totalCount":0}`, ErrNotJobs, "no list of jobs"},
	{"null list", `{"jobs":null}`, ErrNotJobs, "the total is not 0"},
	{"null list beside a total", `{"totalCount":3,"jobs":null}`, ErrNotJobs, "the total is not 0"},
	{"list is an object", `{"totalCount":0,"jobs":{}}`, ErrNotJobs, "no list of jobs"},
	{"list is text", `{"totalCount":0,"result":""}`, ErrNotJobs, "no list of jobs"},
	{"null job", `[null]`, ErrNotJobs, "job 1 of the list is not an object"},
	{"job is a number", `{"totalCount":2,"jobs":[` + plainJob + `,1]}`, ErrNotJobs, "job 2 of the list is not an object"},
	{"job is empty", `[{}]`, ErrNotJobs, "job 1 of the list has no field of a job"},
	{"other list", `[{"code":"x","description":"y"}]`, ErrNotJobs, "no field of a job"},
	{"failure", `{"statusCode":500,"message":"Internal\u001b[0m error","errors":[],"data":null,"requestId":"0f8fad5b"}`,
		ErrNotJobs, `reports a failure, status 500: the service says "Internal[0m error" (request id 0f8fad5b)`},
	{"failure without a status", `{"message":"no license"}`, ErrNotJobs, `"no license"`},
	{"failure with a list", `{"statusCode":403,"message":"denied","totalCount":0,"jobs":[]}`, ErrNotJobs, `status 403: the service says "denied"`},
	{"failure with a null list", `{"totalCount":0,"jobs":null,"message":"try later"}`, ErrNotJobs, `"try later"`},
	{"failure in all forms", `{"status":"Error","statusCode":"409","error":"e","errors":[{"code":"c","field":"type","message":"m"},"n"],"message":"e","traceId":"t"}`,
		ErrNotJobs, `reports a failure, status 409: the service says "e; type: m; n" (request id t)`},
	{"trailing garbage", `{"totalCount":0,"jobs":[]}x`, ErrNotJobs, "unexpected data after the JSON value, at byte 26"},
	{"two texts", `[][]`, ErrNotJobs, "after the JSON value, at byte 2"},
	{"trailing NUL", "[]\x00", ErrNotJobs, "after the JSON value, at byte 2"},
	{"trailing byte-order mark", "[]\xEF\xBB\xBF", ErrNotJobs, "after the JSON value, at byte 2"},

	{"truncated list", `[` + plainJob + `,`, ErrTruncated, "the JSON ends at byte 78"},
	{"truncated string", `{"jobs":[{"jobId":"A`, ErrTruncated, "the rest of a string"},
	{"truncated escape", `{"jobs":[{"jobId":"\u00`, ErrTruncated, "a hexadecimal digit"},
	{"truncated literal", `{"jobs":[{"jobId":"A","x":tru`, ErrTruncated, "true"},
	{"truncated number", `{"totalCount":-`, ErrTruncated, "a value"},

	{"leading zero", pageWith("01"), ErrNotJobs, "leading zeros"},
	{"leading zero, negative", pageWith("-01"), ErrNotJobs, "leading zeros"},
	{"leading plus", pageWith("+1"), ErrNotJobs, "a value"},
	{"no digit before the dot", pageWith(".5"), ErrNotJobs, "a value"},
	{"no digit after the dot", pageWith("1."), ErrNotJobs, "a value"},
	{"no digit in the exponent", pageWith("1e+"), ErrNotJobs, "a value"},
	{"two dots", pageWith("1.2.3"), ErrNotJobs, `',' or '}'`},
	{"NaN", pageWith("NaN"), ErrNotJobs, "a value"},
	{"literal in capitals", pageWith("True"), ErrNotJobs, "a value"},
	{"literal too long", pageWith("nulll"), ErrNotJobs, `',' or '}'`},
	{"trailing comma in an object", pageWith(`1,`), ErrNotJobs, "a field name"},
	{"trailing comma in an array", pageWith(`[1,]`), ErrNotJobs, "a value"},
	{"leading comma", pageWith(`[,1]`), ErrNotJobs, "a value"},
	{"comma alone", pageWith(`{,}`), ErrNotJobs, "a field name"},
	{"trailing comma in the list", `[` + plainJob + `,]`, ErrNotJobs, "a value"},
	{"no comma", pageWith(`[1 2]`), ErrNotJobs, `',' or ']'`},
	{"no colon", pageWith(`{"a" 1}`), ErrNotJobs, "':'"},
	{"bare key", pageWith(`{a:1}`), ErrNotJobs, "a field name"},
	{"crossed brackets", pageWith(`[}`), ErrNotJobs, "a value"},
	{"single quotes", pageWith(`'a'`), ErrNotJobs, "a value"},
	{"comment", pageWith(`1/**/`), ErrNotJobs, `',' or '}'`},
	{"control character in a string", pageWith("\"a\nb\""), ErrNotJobs, "the rest of a string"},
	{"NUL in a string", pageWith("\"abcdefgh\x00\""), ErrNotJobs, "the rest of a string"},
	{"NUL as white space", pageWith("\x001"), ErrNotJobs, "a value"},
	{"other white space", pageWith("\v1"), ErrNotJobs, "a value"},
	{"unknown escape", pageWith(`"\x41"`), ErrNotJobs, "an escape sequence"},
	{"escaped NUL", pageWith("\"\\\x00\""), ErrNotJobs, "an escape sequence"},
	{"short escape", pageWith(`"\u00g0"`), ErrNotJobs, "a hexadecimal digit"},
	{"invalid UTF-8", pageWith("\"caf\xe9\""), ErrNotJobs, "is not UTF-8"},
	{"overlong UTF-8", pageWith("\"\xc0\x80\""), ErrNotJobs, "is not UTF-8"},
	{"surrogate in UTF-8", pageWith("\"\xed\xa0\x80\""), ErrNotJobs, "is not UTF-8"},
	{"invalid UTF-8 in a key", "{\"\xff\":1}", ErrNotJobs, "is not UTF-8"},
	{"too deep", pageWith(strings.Repeat("[", 1e6)), ErrNotJobs, "nested more than 100 deep"},
	{"too deep in objects", pageWith(strings.Repeat(`{"a":`, 1e5)), ErrNotJobs, "nested more than 100 deep"},
	{"too many jobs", `[` + strings.Repeat(`{"type":1},`, maxPageJobs) + `{"type":1}]`, ErrTooLarge, "more than 100000 jobs"},
}

func TestDecodePageRefuses(t *testing.T) {
	kinds := []error{ErrNotJobs, ErrTruncated, ErrTooLarge}
	for _, test := range refusedBodies {
		t.Run(test.name, func(t *testing.T) {
			page, err := decoded([]byte(test.body), 10)
			for _, kind := range kinds {
				if errors.Is(err, kind) != (kind == test.kind) {
					t.Fatalf("err is %v, want %v", err, test.kind)
				}
			}
			if !strings.Contains(err.Error(), test.message) {
				t.Errorf("err is %v, want it to contain %s", err, test.message)
			}
			comparePages(t, page, pageData{})
			failure, ok := errors.AsType[*Error](err)
			if !ok || len(failure.Excerpt) > maxExcerpt || strings.ContainsFunc(failure.Excerpt, func(r rune) bool { return r < ' ' }) {
				t.Errorf("excerpt %q", failure.Excerpt)
			}
		})
	}
}

func TestDecodePageDepth(t *testing.T) {
	nested := func(depth int) []byte { // the list, the job, and the rest
		return []byte(`[{"jobId":"A","x":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `}]`)
	}
	if _, err := decoded(nested(jsonscan.MaxDepth), 1); err != nil {
		t.Errorf("depth %d: %v", jsonscan.MaxDepth, err)
	}
	if _, err := decoded(nested(jsonscan.MaxDepth+1), 1); !errors.Is(err, ErrNotJobs) {
		t.Errorf("depth %d: %v", jsonscan.MaxDepth+1, err)
	}
}

// A connection may close at any byte: every part of a page is ErrTruncated.
func TestDecodePageTruncatedAnywhere(t *testing.T) {
	for _, body := range mutationPages(t) {
		body = strings.TrimRight(body, "\n")
		for end := 1; end < len(body); end++ {
			if _, err := decoded([]byte(body[:end]), 10); !errors.Is(err, ErrTruncated) {
				t.Fatalf("cut at byte %d: %v", end, err)
			}
		}
	}
}

// A short body must not allocate a lot of memory, whatever the page size.
func TestDecodePageMemory(t *testing.T) {
	page, err := decoded([]byte(`[`+plainJob+`]`), math.MaxInt)
	if err != nil || cap(page.Jobs) > 4 {
		t.Errorf("room for %d jobs, %v", cap(page.Jobs), err)
	}
	for _, size := range []int{math.MinInt, -1, 0, 1} {
		page, err := decoded([]byte(`[`+plainJob+`,`+plainJob+`]`), size)
		if err != nil || len(page.Jobs) != 2 {
			t.Errorf("size %d: %d jobs, %v", size, len(page.Jobs), err)
		}
	}
	body := bench.NewList(1000, 100).AppendPage(nil, 1)
	allocs := testing.AllocsPerRun(10, func() { _, _ = decoded(body, 100) })
	if allocs > 110 { // one per id, and a few for the page
		t.Errorf("%v allocations for 100 jobs without drift", allocs)
	}
}

const (
	failure  = iota // whatever the list contains
	doubtful        // a failure beside an empty list, drift beside jobs
	fine            // drift
)

var failureReports = []struct {
	field string
	want  int
}{
	{`"status":500`, failure},
	{`"status":"500"`, failure},
	{`"statusCode":400.0`, failure},
	{`"StatusCode":503`, failure},
	{`"success":false`, failure},
	{`"success":"False"`, failure},
	{`"error":"denied"`, failure},
	{`"error":true`, failure},
	{`"error":{"code":"x"}`, failure},
	{`"errors":[{"code":"x","field":"type","message":"y"}]`, failure},
	{`"errors":["x"]`, failure},
	{`"errors":[null]`, failure},
	{`"errors":{"type":["x"]}`, failure},
	{`"status":302`, doubtful},
	{`"status":"Failed"`, doubtful},
	{`"statusCode":"InternalServerError"`, doubtful},
	{`"statusCode":"Infinity"`, doubtful},
	{`"success":"partly"`, doubtful},
	{`"message":"The tenant could not be resolved"`, doubtful},
	{`"message":"\u0065"`, doubtful},
	{`"message":{"text":"x"}`, doubtful},
	{`"status":200,"message":"No jobs"`, doubtful},
	{`"status":0`, fine},
	{`"status":200`, fine},
	{`"status":"Success"`, fine},
	{`"statusCode":"OK"`, fine},
	{`"statusCode":204`, fine},
	{`"success":true`, fine},
	{`"success":1`, fine},
	{`"error":null,"errors":null`, fine},
	{`"error":"","error":false`, fine},
	{`"error":{},"errors":[ ]`, fine},
	{`"message":null`, fine},
	{`"message":" "`, fine},
	{`"message":"OK"`, fine},
	{`"requestId":"r","traceId":"t","timestamp":"2026-11-01T00:00:00Z","data":null,"metadata":{}`, fine},
}

// TestDecodePageFailureReports: failure reports beside the list, with and without jobs in it.
func TestDecodePageFailureReports(t *testing.T) {
	for _, test := range failureReports {
		t.Run(test.field, func(t *testing.T) {
			for _, list := range []string{`"jobs":[],"totalCount":0`, `"jobs":null,"totalCount":0`, `"totalNumber":0,"result":[]`} {
				for _, body := range []string{"{" + list + "," + test.field + "}", "{" + test.field + "," + list + "}"} {
					if _, err := decoded([]byte(body), 10); errors.Is(err, ErrNotJobs) != (test.want != fine) {
						t.Errorf("%s: %v", body, err)
					}
				}
			}
			body := `{"totalCount":1,"jobs":[` + plainJob + `],` + test.field + `}`
			page, err := decoded([]byte(body), 10)
			if errors.Is(err, ErrNotJobs) != (test.want == failure) {
				t.Errorf("%s: %v", body, err)
			}
			reported := slices.ContainsFunc(page.drift, func(d Drift) bool { return d.Kind == DriftUnknownField })
			if test.want == doubtful && (len(page.Jobs) != 1 || !reported) {
				t.Errorf("%s: %+v", body, page)
			}
		})
	}
}

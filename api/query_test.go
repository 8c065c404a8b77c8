package api

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidateQuery(t *testing.T) {
	const valid = "type=1&startTime=2026-11-01T00:00:00Z&finishTime=2026-11-02T00:00:00Z"
	if err := ValidateQuery("listJobs", valid); err != nil {
		t.Error(err)
	}
	want := []string{
		`query /endTime: parameters: found "x", want only finishTime, organizationId, pageIndex, pageSize, startTime, status, type (inferred)`,
		`query /status: type: found "x", want integer (later)`,
	}
	if diff := cmp.Diff(want, lines(ValidateQuery("listJobs", valid+"&status=x&endTime=x"))); diff != "" {
		t.Error(diff)
	}
	if err := ValidateQuery("noSuch", ""); !errors.Is(err, ErrUnknownOperation) {
		t.Errorf("got %v, want ErrUnknownOperation", err)
	}
	if err := ValidateQuery("getJobs", "type=1"); err == nil {
		t.Error("a query of getJobs is valid")
	}
}

func TestQuery(t *testing.T) {
	const known = "deleted, hours, organizationId, pageIndex, type"
	c := smallContract(t)
	for _, test := range []struct {
		name, operation, query string
		want                   []string
	}{
		{"good", "listJobs", "pageIndex=1&type=2&organizationId=69cb1ecc-f8e8-439b-8077-a4b7fd45e87f&hours=1e1&deleted=true", nil},
		{"empty", "listJobs", "", []string{`query /type: required: found nothing, want a parameter "type" (later)`}},
		{"unknown", "listJobs", "type=1&PageIndex=1", []string{`query /PageIndex: parameters: found "1", want only ` + known + ` (later)`}},
		{"unknown, none expected", "putJob", "a/b=1", []string{`query /a~1b: parameters: found "1", want no query`}},
		{"repeated", "listJobs", "type=1&type=1", []string{`query /type: unique: found 2 values, want each parameter once (later)`}},
		{"invalid values", "listJobs", "type=3&pageIndex=0&organizationId=x&hours=one&deleted=1", []string{
			`query /deleted: type: found "1", want boolean (inferred)`,
			`query /hours: type: found "one", want number (inferred)`,
			`query /organizationId: format: found "x", want uuid: 32 hexadecimal digits as 8-4-4-4-12 (later)`,
			`query /pageIndex: minimum: found 0, want at least 1 (later)`,
			`query /type: enum: found 3, want one of [0,1,2] (later)`,
		}},
		{"invalid integers", "listJobs", "type=&pageIndex=%201", []string{
			`query /pageIndex: type: found " 1", want integer (later)`,
			`query /type: type: found "", want integer (later)`,
		}},
		{"invalid query", "listJobs", "type=1&a=%zz", []string{`query: parameters: found invalid URL escape "%zz", want a URL query`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(c.operations[test.operation].checkQuery(test.query).err())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

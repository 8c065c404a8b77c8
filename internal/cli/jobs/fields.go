package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

type job = d365backup.Job

// kind is the kind of a value, for JSON and for the alignment of a column.
type kind int

const (
	kindText kind = iota
	kindNumber
	kindTime
)

// field is a field of a job.
type field struct {
	name string // in the contract
	// header is above the column of a table; short replaces it on a narrow screen, if set.
	header, short string
	kind          kind
	// minWidth is the width to which a column can be shortened; 0 if it must not be.
	minWidth int
	// cell returns the text in a table; brief replaces it on a narrow screen, if set.
	cell, brief func(job, *time.Location) string
	// raw returns the value for programs; empty for a time that a job does not have.
	raw     func(job) string
	compare func(a, b job) int
}

// fields are all fields in the order of the contract.
var fields = []field{
	shortenable(textField("module", "MODULE", func(j job) string { return j.Module })),
	wordField("type", "TYPE", human.TypeOf, job.TypeText, func(a, b job) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.UnknownType, b.UnknownType))
	}),
	textField("jobId", "JOB ID", func(j job) string { return j.JobID }),
	timeField("startTime", "STARTED", func(j job) time.Time { return j.StartTime }),
	timeField("finishTime", "FINISHED", func(j job) time.Time { return j.FinishTime }),
	{
		name: "durationHours", header: "DURATION", kind: kindNumber,
		cell: func(j job, _ *time.Location) string {
			d := j.Duration()
			if j.Running() || d == 0 && j.FinishTime.IsZero() {
				return none
			}
			return human.Duration(d)
		},
		raw:     func(j job) string { return strconv.FormatFloat(j.DurationHours, 'f', -1, 64) },
		compare: func(a, b job) int { return cmp.Compare(a.DurationHours, b.DurationHours) },
	},
	wordField("status", "STATUS", human.StatusOf, job.StatusText, func(a, b job) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.UnknownStatus, b.UnknownStatus))
	}),
	countField("successfulEntity", "SUCCESSFUL ENTITIES", func(j job) int64 { return j.SuccessfulEntity }),
	countField("failedEntity", "FAILED ENTITIES", func(j job) int64 { return j.FailedEntity }),
	countField("skippedEntity", "SKIPPED ENTITIES", func(j job) int64 { return j.SkippedEntity }),
	countField("warningEntity", "WARNING ENTITIES", func(j job) int64 { return j.WarningEntity }),
	countField("totalEntity", "ENTITIES", func(j job) int64 { return j.TotalEntity }),
	countField("successfulRecord", "SUCCESSFUL RECORDS", func(j job) int64 { return j.SuccessfulRecord }),
	shortHeader("FAILED", countField("failedRecord", "FAILED RECORDS", func(j job) int64 { return j.FailedRecord })),
	countField("skippedRecord", "SKIPPED RECORDS", func(j job) int64 { return j.SkippedRecord }),
	countField("warningRecord", "WARNING RECORDS", func(j job) int64 { return j.WarningRecord }),
	countField("totalRecord", "RECORDS", func(j job) int64 { return j.TotalRecord }),
	numberField("backupSize", "SIZE", human.Bytes, func(j job) int64 { return j.BackupSize }),
	shortenable(textField("organizationId", "ORGANIZATION ID", func(j job) string { return j.OrganizationID })),
	shortenable(textField("organizationName", "ORGANIZATION", func(j job) string { return j.OrganizationName })),
}

const none = "-" // what a job does not have

func textField(name, header string, get func(job) string) field {
	return field{
		name: name, header: header, raw: get,
		cell:    func(j job, _ *time.Location) string { return human.Text(get(j)) },
		compare: func(a, b job) int { return cmp.Compare(get(a), get(b)) },
	}
}

// briefWords replace words on a narrow screen.
var briefWords = map[string]string{"Audit backup": "Audit", "Finished with exception": "Exception"}

func wordField(name, header string, words, raw func(job) string, compare func(a, b job) int) field {
	return field{
		name: name, header: header, raw: raw, compare: compare,
		cell:  func(j job, _ *time.Location) string { return words(j) },
		brief: func(j job, _ *time.Location) string { return cmp.Or(briefWords[words(j)], words(j)) },
	}
}

func numberField(name, header string, show func(int64) string, get func(job) int64) field {
	return field{
		name: name, header: header, kind: kindNumber,
		cell:    func(j job, _ *time.Location) string { return show(get(j)) },
		raw:     func(j job) string { return strconv.FormatInt(get(j), 10) },
		compare: func(a, b job) int { return cmp.Compare(get(a), get(b)) },
	}
}

func countField(name, header string, get func(job) int64) field {
	return numberField(name, header, human.Count, get)
}

func timeField(name, header string, get func(job) time.Time) field {
	return field{
		name: name, header: header, kind: kindTime,
		cell: func(j job, zone *time.Location) string {
			if get(j).IsZero() {
				return none
			}
			return get(j).In(zone).Format(human.MinuteLayout)
		},
		raw: func(j job) string {
			if get(j).IsZero() {
				return ""
			}
			return get(j).UTC().Format(time.RFC3339Nano)
		},
		compare: func(a, b job) int { return get(a).Compare(get(b)) },
	}
}

func shortHeader(short string, f field) field { f.short = short; return f }
func shortenable(f field) field               { f.minWidth = 12; return f }

// FieldNames returns the names of the fields of a job, as in the contract.
func FieldNames() (names []string) {
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

// fieldsByName returns the fields with these names, whose case does not matter.
func fieldsByName(names []string) ([]field, error) {
	found := make([]field, len(names))
	for i, name := range names {
		at := slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(f.name, strings.TrimSpace(name)) })
		if at < 0 {
			return nil, fmt.Errorf("field %q does not exist: use some of %s", name, strings.Join(FieldNames(), ", "))
		}
		found[i] = fields[at]
	}
	return found, nil
}

// orderBy returns the order by these fields; with the prefix -, a field is in descending order.
func orderBy(keys []string) (func(a, b job) int, error) {
	names, descending := make([]string, len(keys)), make([]bool, len(keys))
	for i, key := range keys {
		names[i], descending[i] = strings.CutPrefix(strings.TrimSpace(key), "-")
	}
	by, err := fieldsByName(names)
	return func(a, b job) int {
		for i, f := range by {
			order := f.compare(a, b)
			if descending[i] {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	}, err
}

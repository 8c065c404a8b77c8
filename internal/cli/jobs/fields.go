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

// kind is what a value is, for JSON and for the side that a column is aligned to.
type kind int

const (
	kindText kind = iota
	kindNumber
	kindTime
)

// field is a field of a job in every form that it is shown in.
type field struct {
	// name is the contract's.
	name string
	// header stands above the column in a table, and short in its place where there is little room;
	// empty: no other.
	header, short string
	kind          kind
	// least is the width that the column can be cut to; 0 where it must not be cut.
	least int
	// cell is for people, in a zone; brief is for people where there is little room; nil: cell.
	cell, brief func(job, *time.Location) string
	// raw is for machines; empty where a job has no such time.
	raw func(job) string
	// compare is the order.
	compare func(a, b job) int
}

// fields are all fields, in the contract's order.
var fields = []field{
	textField("module", "MODULE", func(j job) string { return j.Module }),
	{
		name: "type", header: "TYPE",
		cell:  func(j job, _ *time.Location) string { return human.TypeOf(j) },
		brief: func(j job, _ *time.Location) string { return briefType(j) },
		raw:   job.TypeText,
		compare: func(a, b job) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.UnknownType, b.UnknownType))
		},
	},
	{
		name: "jobId", header: "JOB ID",
		cell:    func(j job, _ *time.Location) string { return human.Text(j.JobID) },
		raw:     func(j job) string { return j.JobID },
		compare: func(a, b job) int { return cmp.Compare(a.JobID, b.JobID) },
	},
	timeField("startTime", "STARTED", func(j job) time.Time { return j.StartTime }),
	timeField("finishTime", "FINISHED", func(j job) time.Time { return j.FinishTime }),
	{
		name: "durationHours", header: "DURATION", kind: kindNumber,
		cell:    func(j job, _ *time.Location) string { return durationWords(j) },
		raw:     func(j job) string { return strconv.FormatFloat(j.DurationHours, 'f', -1, 64) },
		compare: func(a, b job) int { return cmp.Compare(a.DurationHours, b.DurationHours) },
	},
	{
		name: "status", header: "STATUS",
		cell:  func(j job, _ *time.Location) string { return human.StatusOf(j) },
		brief: func(j job, _ *time.Location) string { return briefStatus(j) },
		raw:   job.StatusText,
		compare: func(a, b job) int {
			return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.UnknownStatus, b.UnknownStatus))
		},
	},
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
	{
		name: "backupSize", header: "SIZE", kind: kindNumber,
		cell:    func(j job, _ *time.Location) string { return human.Bytes(j.BackupSize) },
		raw:     func(j job) string { return strconv.FormatInt(j.BackupSize, 10) },
		compare: func(a, b job) int { return cmp.Compare(a.BackupSize, b.BackupSize) },
	},
	textField("organizationId", "ORGANIZATION ID", func(j job) string { return j.OrganizationID }),
	textField("organizationName", "ORGANIZATION", func(j job) string { return j.OrganizationName }),
}

func textField(name, header string, get func(job) string) field {
	return field{
		name: name, header: header, least: 12,
		cell:    func(j job, _ *time.Location) string { return human.Text(get(j)) },
		raw:     get,
		compare: func(a, b job) int { return cmp.Compare(get(a), get(b)) },
	}
}

func countField(name, header string, get func(job) int64) field {
	return field{
		name: name, header: header, kind: kindNumber,
		cell:    func(j job, _ *time.Location) string { return human.Count(get(j)) },
		raw:     func(j job) string { return strconv.FormatInt(get(j), 10) },
		compare: func(a, b job) int { return cmp.Compare(get(a), get(b)) },
	}
}

func timeField(name, header string, get func(job) time.Time) field {
	return field{
		name: name, header: header, kind: kindTime,
		cell: func(j job, zone *time.Location) string {
			if get(j).IsZero() {
				return none
			}
			return get(j).In(zone).Format(minuteLayout)
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

func shortHeader(short string, f field) field {
	f.short = short
	return f
}

const (
	// none stands for what a job does not have.
	none         = "-"
	minuteLayout = "2006-01-02 15:04"
)

func briefType(j job) string {
	if j.Type == d365backup.JobTypeAuditBackup {
		return "Audit"
	}
	return human.TypeOf(j)
}

func briefStatus(j job) string {
	if j.Status == d365backup.JobStatusFinishedWithException {
		return "Exception"
	}
	return human.StatusOf(j)
}

func durationWords(j job) string {
	if j.Status == d365backup.JobStatusInProgress || j.FinishTime.IsZero() {
		return none // the service's figure means nothing then
	}
	return human.Duration(human.Hours(j.DurationHours))
}

// fieldNames returns the names of all fields.
func fieldNames() (names []string) {
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

// fieldsOf returns the fields of these names. Case does not matter.
func fieldsOf(names []string) ([]field, error) {
	found := make([]field, len(names))
	for i, name := range names {
		at := slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(f.name, strings.TrimSpace(name)) })
		if at < 0 {
			return nil, fmt.Errorf("field %q does not exist: use some of %s", name, strings.Join(fieldNames(), ", "))
		}
		found[i] = fields[at]
	}
	return found, nil
}

// orderOf returns the order by these fields, a minus in front for falling values.
func orderOf(keys []string) (func(a, b job) int, error) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = strings.TrimPrefix(strings.TrimSpace(key), "-")
	}
	by, err := fieldsOf(names)
	if err != nil {
		return nil, err
	}
	return func(a, b job) int {
		for i, f := range by {
			order := f.compare(a, b)
			if strings.HasPrefix(strings.TrimSpace(keys[i]), "-") {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	}, nil
}

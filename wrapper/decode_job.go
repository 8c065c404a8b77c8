package d365backup

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// jobTable has the fields of a job, at the places below.
var jobTable = newFieldTable("jobs.",
	"module", "type", "jobId", "startTime", "finishTime", "durationHours", "status",
	"organizationId", "organizationName",
	"successfulEntity", "failedEntity", "skippedEntity", "warningEntity", "totalEntity",
	"successfulRecord", "failedRecord", "skippedRecord", "warningRecord", "totalRecord",
	"backupSize")

const (
	fieldModule = iota
	fieldType
	fieldJobID
	fieldStartTime
	fieldFinishTime
	fieldDurationHours
	fieldStatus
	fieldOrganizationID
	fieldOrganizationName
	fieldFirstCount
	jobFields = fieldFirstCount + 11
)

// counts returns the fields of whole numbers, in the order of jobTable.
func (job *Job) counts() [jobFields - fieldFirstCount]*int64 {
	return [...]*int64{
		&job.SuccessfulEntity, &job.FailedEntity, &job.SkippedEntity, &job.WarningEntity, &job.TotalEntity,
		&job.SuccessfulRecord, &job.FailedRecord, &job.SkippedRecord, &job.WarningRecord, &job.TotalRecord,
		&job.BackupSize,
	}
}

// jobReader is what a decoder remembers from field to field and from job to job.
type jobReader struct {
	job    *Job
	counts [jobFields - fieldFirstCount]*int64
	seen   fieldSet
	// known: the object has at least one field of a job.
	known bool

	// The jobs of a page are written alike: the fields stand in the same order, and some texts are
	// the same. follower has for each field, at its place plus 1, the one that came behind it last.
	last                                     int
	follower                                 [jobFields + 1]int
	module, organizationID, organizationName repeated
}

// minJobSize is less than the fields take of a job that has them all.
const minJobSize = 64

// list reads the jobs. They replace those of a list read before.
func (d *decoder) list() error {
	d.page.jobs = []Job{}
	d.job = new(Job)
	d.counts = d.job.counts()
	member := d.jobMember
	return d.each(']', func() error {
		number := len(d.page.jobs) + 1
		if d.peek() != '{' {
			if err := d.skip(); err != nil {
				return err
			}
			return notJobs("job %d of the list is not an object", number)
		}
		if number > maxPageJobs {
			return &Error{Kind: ErrTooLarge, Message: fmt.Sprintf("the answer has more than %d jobs: ask for smaller pages", maxPageJobs)}
		}
		*d.job, d.seen, d.known, d.last = Job{Type: JobTypeUnknown, Status: JobStatusUnknown}, 0, false, -1
		if err := d.each('}', member); err != nil {
			return err
		}
		if !d.known {
			return notJobs("job %d of the list has no field of a job", number)
		}
		d.reportMissing()
		if number == 1 { // room for as many as asked for, if the rest of the body can hold them
			d.page.jobs = make([]Job, 0, 1+min(max(d.size-1, 0), (len(d.body)-d.pos)/minJobSize))
		}
		d.page.jobs = append(d.page.jobs, *d.job)
		return nil
	})
}

// reportMissing reports the required fields that the job lacks.
func (d *decoder) reportMissing() {
	const required = 1<<fieldType | 1<<fieldJobID | 1<<fieldStartTime | 1<<fieldStatus
	if d.seen&required == required {
		return
	}
	for _, place := range []int{fieldType, fieldJobID, fieldStartTime, fieldStatus} {
		if d.seen&(1<<place) == 0 {
			d.drifts.add(DriftMissing, jobTable.path(place), nil)
		}
	}
}

// jobMember reads one field of a job.
func (d *decoder) jobMember() error {
	place := d.follower[d.last+1]
	var key token
	if d.peek() == '"' && bytes.HasPrefix(d.body[d.pos:], jobTable.keys[place]) {
		d.pos += len(jobTable.keys[place])
	} else {
		var err error
		if key, err = d.key(); err != nil {
			return err
		}
		place = jobTable.find(key, &d.drifts)
	}
	v, err := d.value()
	if err != nil {
		return err
	}
	if place < 0 {
		d.drifts.addUnknown("jobs.", keyText(key), v.raw)
		return nil
	}
	d.follower[d.last+1], d.last, d.known = place, place, true
	if !v.absent() {
		path := jobTable.path(place)
		d.seen.mark(place, path, &d.drifts)
		d.jobValue(place, v, path)
	}
	return nil
}

func (d *decoder) jobValue(place int, v token, path string) {
	switch job := d.job; place {
	case fieldModule:
		job.Module = d.same(&d.module, v, path)
	case fieldType:
		job.Type = enumValue(d, v, path, jobTypeValues)
	case fieldJobID:
		job.JobID = d.text(v, path)
	case fieldStartTime:
		job.StartTime = d.time(v, path)
	case fieldFinishTime:
		job.FinishTime = d.time(v, path)
	case fieldDurationHours:
		job.DurationHours = d.float(v, path)
	case fieldStatus:
		job.Status = enumValue(d, v, path, jobStatusValues)
	case fieldOrganizationID:
		job.OrganizationID = d.same(&d.organizationID, v, path)
		if !isGUID(v.raw) {
			d.drifts.add(DriftMalformedGUID, path, v.raw)
		}
	case fieldOrganizationName:
		job.OrganizationName = d.same(&d.organizationName, v, path)
	default:
		*d.counts[place-fieldFirstCount], _ = d.integer(v, path)
	}
}

// fieldTable finds fields by name.
type fieldTable struct {
	prefix string
	paths  []string // the prefix and the name of each field
	keys   [][]byte // each name as it mostly stands in JSON, in quotes and with a colon
	places map[string]int
}

func newFieldTable(prefix string, names ...string) *fieldTable {
	t := &fieldTable{prefix: prefix, places: make(map[string]int)}
	for place, name := range names {
		t.paths = append(t.paths, prefix+name)
		t.keys = append(t.keys, fmt.Appendf(nil, "%q:", name))
		t.places[name] = place
	}
	return t
}

// path returns the name of a field as a Drift gives it.
func (t *fieldTable) path(place int) string { return t.paths[place] }

// name returns the name of a field; empty for place -1.
func (t *fieldTable) name(place int) string {
	if place < 0 {
		return ""
	}
	return t.paths[place][len(t.prefix):]
}

// find returns the place of a field by its name in any case; -1 for an unknown one.
func (t *fieldTable) find(key token, drifts *drifts) int {
	if place, ok := t.places[string(key.raw)]; ok {
		return place
	}
	name := keyText(key)
	place := slices.IndexFunc(t.paths, func(path string) bool { return strings.EqualFold(path[len(t.prefix):], name) })
	if place >= 0 && name != t.name(place) {
		drifts.add(DriftOtherCase, t.path(place), key.raw)
	}
	return place
}

// keyText returns a field's name without escapes.
func keyText(key token) string {
	if key.kind == kindText {
		return string(key.raw)
	}
	return unescape(key.raw)
}

// fieldSet holds the fields that an object has had, by their places.
type fieldSet uint32

// mark adds a field, and reports one that was there before.
func (s *fieldSet) mark(place int, path string, drifts *drifts) {
	if *s&(1<<place) != 0 {
		drifts.add(DriftDuplicateField, path, nil)
	}
	*s |= 1 << place
}

package health

import (
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Summary is the verdict about all organizations, and the figures it rests on. The keys of its JSON are stable: later
// versions only add some. Durations are in seconds there, and an unknown value is left out.
//
// Text in it comes from the service: clean it before showing it on a terminal or in a document.
type Summary struct {
	// State is the worst state of all organizations; Unknown if there is none. It is at best Unknown if the list is incomplete, or
	// if backups name no organization. In an incomplete list nothing is known to be Overdue or Missing: that is Unknown, too.
	State State `json:"state"`
	// Reason is the answer in one sentence, worst first, such as "2 of 6 organizations need attention: Finance has had no
	// successful backup for 31 days; Sales …". It is one line of at most about 2 KB and names at most five organizations.
	Reason string `json:"reason"`
	// Incomplete says why jobs may be missing from the list; empty if it is complete.
	Incomplete string `json:"incomplete,omitempty"`

	// Start, End, WindowStart and At are the time range, the start of the figures, and the time to which ages are counted.
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	WindowStart time.Time `json:"windowStart"`
	At          time.Time `json:"at"`
	// TimeZone is the name of the time zone of the days, such as "Europe/Berlin".
	TimeZone string `json:"timeZone"`

	// Organizations are those seen or expected, worst first, then by name.
	Organizations []Organization `json:"organizations"`
	// Unpinned is the number of organizations that were seen but are not expected: they will be forgotten.
	Unpinned int `json:"unpinned"`
	// Jobs are the numbers of jobs in the window, by type and status.
	Jobs []Count `json:"jobs"`
	// IgnoredJobs is the number of jobs of the time range that belong to ignored targets.
	IgnoredJobs int64 `json:"ignoredJobs"`
	// UnidentifiedJobs is the number of jobs of the time range with neither an organization's id nor its name. If there are
	// backups or jobs of unknown type among them, State is at best Unknown.
	UnidentifiedJobs int64 `json:"unidentifiedJobs"`
}

// Organization is the verdict about one organization.
type Organization struct {
	// ID is the organization's id as sent; empty if only the name is known, or if it is expected by name and was never seen.
	ID string `json:"organizationId,omitempty"`
	// Name is the newest name. If it is empty, show the id. A text of the service of more than 256 bytes is shortened.
	Name string `json:"organizationName,omitempty"`
	// FormerNames are other names it had in the time range, newest first.
	FormerNames []string `json:"formerNames,omitempty"`
	// Expected reports whether the policy expects the organization or one of its modules.
	Expected bool `json:"expected"`
	// State is the worst state of its modules.
	State State `json:"state"`
	// Reason is that of the worst module. It completes a sentence that begins with the organization, such as "has had no
	// successful backup for 31 days".
	Reason string `json:"reason"`
	// Modules are worst first, then by name. An organization that was never seen has those that the policy names.
	Modules []Module `json:"modules"`
}

// Module is the verdict about one module of an organization.
type Module struct {
	// Name is the module's name; empty if the service sent none.
	Name string `json:"module"`
	// Expected reports whether the policy expects this module, or its organization if that has no other module. Of several
	// modules, one that the policy does not name is forgotten some time after its last job.
	Expected bool `json:"expected"`
	// State and Reason are the verdict. Reason completes a sentence that begins with the module.
	State  State  `json:"state"`
	Reason string `json:"reason"`
	// MaxAge, MaxRunning and TolerateExceptions are the limits that apply.
	MaxAge             time.Duration `json:"-"`
	MaxRunning         time.Duration `json:"-"`
	TolerateExceptions bool          `json:"tolerateExceptions"`

	// LastSuccess, LastException and LastFailure are the newest backups, by their start, that ended so; zero if there is none.
	LastSuccess   Backup `json:"lastSuccess,omitzero"`
	LastException Backup `json:"lastException,omitzero"`
	LastFailure   Backup `json:"lastFailure,omitzero"`
	// LastStart is when the newest backup started, whatever its status.
	LastStart time.Time `json:"lastStart,omitzero"`
	// FirstSeen is when the oldest job in the time range started; the start of the range if an Accumulator had older ones.
	FirstSeen time.Time `json:"firstSeen,omitzero"`
	// Age is how long before Summary.At the last success started (an exception, if tolerated, is a success); 0 if it started
	// later, and negative if there is none.
	Age time.Duration `json:"-"`
	// Running is the number of backups in progress, and RunningSince when the oldest of them started.
	Running      int64     `json:"running"`
	RunningSince time.Time `json:"runningSince,omitzero"`

	// Jobs are the numbers of jobs in the window, by type and status.
	Jobs []Count `json:"jobs"`
	// Records and Entities are summed over the backups in the window.
	Records  Outcomes `json:"records"`
	Entities Outcomes `json:"entities"`
	// Days are the local days of the window that have a backup, oldest first. Backups without a start time are on none.
	Days []Day `json:"days"`
	// DaysWithoutSuccess is the number of local days, from the first job or the start of the window, whichever is later, to
	// the day before Summary.At, on which no successful backup started.
	DaysWithoutSuccess int `json:"daysWithoutSuccess"`
	// Gaps are the times without a successful backup that are longer than MaxAge and reach into the window, oldest first. The
	// first one may begin before the window or with the first job, and the last one ends at Summary.At if it still lasts.
	Gaps []Gap `json:"gaps"`
	// Problems are the newest backups in the time range that failed, finished with an exception, have an unknown status, or did
	// not back up all records; newest first, at most MaxProblems. A backup in progress is not one.
	Problems []Backup `json:"problems"`
}

// LastGood returns the newest backup that counts as a success: that of LastSuccess or, if exceptions are tolerated, a later
// LastException. Age counts from its start.
func (m *Module) LastGood() Backup {
	if m.TolerateExceptions && m.LastException.Start.After(m.LastSuccess.Start) {
		return m.LastException
	}
	return m.LastSuccess
}

// MaxProblems is how many problems a Module lists.
const MaxProblems = 10

// LastFinished returns the newer of LastSuccess and LastException, whether or not exceptions are tolerated; zero if there is
// neither.
func (m *Module) LastFinished() Backup {
	if m.LastException.Start.After(m.LastSuccess.Start) {
		return m.LastException
	}
	return m.LastSuccess
}

// Backup is one job of type Backup.
type Backup struct {
	JobID string `json:"jobId"`
	// Start and Finish are when it started and finished; zero if unknown.
	Start  time.Time `json:"startTime,omitzero"`
	Finish time.Time `json:"finishTime,omitzero"`
	// Status is its status as the service names it.
	Status string `json:"status"`
	// Duration is how long it took; 0 if unknown.
	Duration time.Duration `json:"-"`
	// Size is its size in bytes; 0 if unknown.
	Size     int64    `json:"backupSize"`
	Records  Outcomes `json:"records"`
	Entities Outcomes `json:"entities"`
}

// Outcomes are numbers of records or entities by outcome. Failed are those not backed up; a later backup may have caught them.
type Outcomes struct {
	Successful int64 `json:"successful"`
	Failed     int64 `json:"failed"`
	Skipped    int64 `json:"skipped"`
	Warning    int64 `json:"warning"`
	Total      int64 `json:"total"`
}

// Count is a number of jobs with one type and status.
type Count struct {
	Type   d365backup.JobType   `json:"type"`
	Status d365backup.JobStatus `json:"status"`
	Jobs   int64                `json:"jobs"`
}

// Day sums up the backups that started on a local day. Backups in progress count as Running.
type Day struct {
	// Date is the start of the day in Policy.Location.
	Date time.Time `json:"-"` // as "2006-01-02" under the key "date"
	// The numbers of backups.
	Successes  int64 `json:"successes"`
	Exceptions int64 `json:"exceptions"`
	Failures   int64 `json:"failures"`
	Running    int64 `json:"running"`
	Unknown    int64 `json:"unknown"`
	// RecordsNotBackedUp is the number of failed records.
	RecordsNotBackedUp int64 `json:"recordsNotBackedUp"`
	// Size is that of the largest backup that succeeded or finished with an exception, in bytes.
	Size int64 `json:"backupSize"`
	// Longest is the longest duration of those backups.
	Longest time.Duration `json:"-"`
}

// Gap is a time without a successful backup, from the start of one to the start of the next.
type Gap struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

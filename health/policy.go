package health

import "time"

// The defaults of a Policy.
const (
	// DefaultMaxAge is a day, and half of one for a backup that takes long.
	DefaultMaxAge = 36 * time.Hour
	// DefaultMaxRunning is how long a backup may run.
	DefaultMaxRunning = 24 * time.Hour
	// DefaultLookBack is how far back the list of jobs should begin: an organization that is not expected is forgotten if all
	// its jobs are older.
	DefaultLookBack = 35 * 24 * time.Hour
)

// Policy says what was asked for and what is expected. Only Start is required.
type Policy struct {
	// Start and End are the time range that the jobs were requested for. A zero End is Now. An organization that has not been
	// seen since Start is forgotten unless it is expected, so start DefaultLookBack before now even if less is shown.
	Start, End time.Time
	// WindowStart is where the figures of the summary begin: the numbers of jobs, the days and the gaps. It is not before
	// Start. The state and the last backups come from all jobs. Zero: Start.
	WindowStart time.Time
	// Now is when the verdict is made; ages are counted to Now or End, whichever is earlier. Zero: time.Now().
	Now time.Time
	// Location is the time zone of the days. Nil: UTC.
	Location *time.Location

	// MaxAge is how long ago the last successful backup may have started. Zero: DefaultMaxAge.
	MaxAge time.Duration
	// MaxRunning is how long a backup may run. Zero: DefaultMaxRunning.
	MaxRunning time.Duration
	// TolerateExceptions counts a backup that finished with an exception as a success.
	TolerateExceptions bool
	// Overrides replace the limits above for some organizations or modules. For a module the entry that names it wins over the
	// entry that names its organization.
	Overrides []Override

	// Expected are the organizations and modules that must have a backup. They are missing if they have none, even if no job
	// of theirs was ever seen.
	Expected []Target
	// Ignored are left out: their jobs count nowhere but in Summary.IgnoredJobs.
	Ignored []Target
}

// Target is an organization or one of its modules.
type Target struct {
	// Organization is the name of the organization, in any case, or its id. A name matches any name that the organization
	// had in the time range. Required.
	Organization string
	// Module is the name of a module, in any case. Empty: all modules of the organization.
	Module string
}

// Override replaces limits of a Policy for a target.
type Override struct {
	Target
	// MaxAge and MaxRunning replace those of the policy. Zero: they do not.
	MaxAge, MaxRunning time.Duration
	// TolerateExceptions replaces that of the policy. Nil: it does not.
	TolerateExceptions *bool
}

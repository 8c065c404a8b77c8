package health

// State is how well something is backed up. States are ordered: a greater one is worse. The zero value is no state.
type State int

// The states, best first.
const (
	// OK is a success within the maximum age, and nothing wrong since.
	OK State = iota + 1
	// Warning is a success within the maximum age, but a problem since: the newest backup failed, finished with an exception
	// or has been running for too long.
	Warning
	// Unknown means that the jobs do not show the state: the list is incomplete or shorter than the maximum age, a type or a status is not
	// known, or a backup starts more than an hour later than Summary.At, so that a clock is wrong.
	Unknown
	// Overdue is a last success older than the maximum age.
	Overdue
	// Missing is no success in the time range.
	Missing
)

// String returns the state as a word in lower case, such as "overdue"; "unknown" for a value that is not a state.
func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	case Overdue:
		return "overdue"
	case Missing:
		return "missing"
	default:
		return "unknown"
	}
}

// MarshalText returns what String returns. It never fails.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

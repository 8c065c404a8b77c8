package sandbox

import (
	"sync"
	"time"
)

// expiring is a set of strings that expire. It is safe for concurrent use.
type expiring struct{ expiry sync.Map }

// add adds a string and reports whether it is new.
func (e *expiring) add(s string, expiry time.Time) bool {
	_, exists := e.expiry.LoadOrStore(s, expiry)
	time.AfterFunc(time.Until(expiry), func() { e.expiry.Delete(s) })
	return !exists
}

// has reports whether the set has a string that has not expired.
func (e *expiring) has(s string) bool {
	expiry, ok := e.expiry.Load(s)
	return ok && time.Now().Before(expiry.(time.Time))
}

// Package bench has what the benchmarks share: pages as in the contract, and a service on loopback that returns them,
// after a delay if one is set. It keeps no history and checks nothing; for that see package sandbox. It does not
// depend on the client.
package bench

import (
	"fmt"
	"time"
)

// List is a list of jobs in pages. Its jobs have all fields of the contract, times with a fraction of
// seven digits, and one in ten is still running.
type List struct {
	total int
	size  int
	// The JSON before and after the id of each job of a page: pages differ in ids and numbers only, so that
	// serving them takes almost no time.
	before, after []string
}

// NewList returns a list of this many jobs, on pages of this size.
func NewList(total, size int) *List {
	l := &List{total: total, size: size}
	start := time.Date(2026, 11, 1, 3, 0, 0, 123456700, time.UTC)
	for i := range min(size, total) {
		started := start.Add(time.Duration(i) * 97 * time.Second)
		l.before = append(l.before, fmt.Sprintf(`{"module":"Customer Engagement","type":%d,"jobId":"DCIB20261101`, 1<<(i%3)))
		outcome := `"status":2,`
		if i%10 != 9 {
			outcome = fmt.Sprintf(`"finishTime":%q,"durationHours":%.4f,"status":3,"successfulEntity":%d,"failedEntity":0,`+
				`"skippedEntity":2,"warningEntity":0,"totalEntity":%d,"successfulRecord":%d,"failedRecord":0,"skippedRecord":12,`+
				`"warningRecord":0,"totalRecord":%d,"backupSize":%d,`,
				started.Add(1803*time.Second).Format(time.RFC3339Nano), 0.5+float64(i)/1000, 120+i, 122+i, 48000+i, 48012+i, 734003200+i)
		}
		l.after = append(l.after, fmt.Sprintf(`","startTime":%q,%s"organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87f",`+
			`"organizationName":"Contoso Sales"}`, started.Format(time.RFC3339Nano), outcome))
	}
	return l
}

// AppendPage appends the page with this number, counted from 1, to b. Pages after the last one are empty.
func (l *List) AppendPage(b []byte, number int) []byte {
	b = fmt.Appendf(b, `{"totalCount":%d,`, l.total)
	first := min((number-1)*l.size, l.total)
	jobs := min(l.size, l.total-first)
	if first+jobs < l.total {
		b = fmt.Appendf(b, `"nextLink":"/jobs?pageIndex=%d&pageSize=%d",`, number+1, l.size)
	}
	b = append(b, `"jobs":[`...)
	for i := range jobs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, l.before[i]...)
		b = appendDigits(b, first+i)
		b = append(b, l.after[i]...)
	}
	return fmt.Appendf(b, `],"pageIndex":%d,"pageSize":%d}`, number, l.size)
}

// appendDigits appends n as 14 digits, so that all ids have the same length.
func appendDigits(b []byte, n int) []byte {
	var digits [14]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = '0' + byte(n%10)
		n /= 10
	}
	return append(b, digits[:]...)
}

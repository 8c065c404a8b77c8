package d365backup

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/d365backup/d365backup/generated"
)

// typicalPage is a page as the contract has it: all fields, times with seven digits of a fraction,
// and one job in ten still running.
func typicalPage(jobs int) []byte {
	page := fmt.Appendf(nil, `{"totalCount":%d,"nextLink":"/jobs?pageIndex=2&pageSize=%d","jobs":[`, 10*jobs, jobs)
	start := time.Date(2026, 11, 1, 3, 0, 0, 123456700, time.UTC)
	for i := range jobs {
		if i > 0 {
			page = append(page, ',')
		}
		started := start.Add(time.Duration(i) * 97 * time.Second)
		page = fmt.Appendf(page, `{"module":"Customer Engagement","type":%d,"jobId":"DCIB20261101%014d","startTime":%q,`,
			1<<(i%3), i, started.Format(time.RFC3339Nano))
		if i%10 == 9 {
			page = fmt.Appendf(page, `"status":2,`)
		} else {
			page = fmt.Appendf(page, `"finishTime":%q,"durationHours":%.4f,"status":3,"successfulEntity":%d,"failedEntity":0,`+
				`"skippedEntity":2,"warningEntity":0,"totalEntity":%d,"successfulRecord":%d,"failedRecord":0,"skippedRecord":12,`+
				`"warningRecord":0,"totalRecord":%d,"backupSize":%d,`,
				started.Add(1803*time.Second).Format(time.RFC3339Nano), 0.5+float64(i)/1000, 120+i, 122+i, 48000+i, 48012+i, 734003200+i)
		}
		page = fmt.Appendf(page, `"organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87f","organizationName":"Contoso Sales"}`)
	}
	return fmt.Appendf(page, `],"pageIndex":1,"pageSize":%d}`, jobs)
}

// BenchmarkDecodePage compares the decoder with encoding/json on the generated types.
func BenchmarkDecodePage(b *testing.B) {
	for _, jobs := range []int{100, 1000} {
		body := typicalPage(jobs)
		run := func(name string, decode func() (int, error)) {
			b.Run(fmt.Sprintf("%s/jobs=%d", name, jobs), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if n, err := decode(); err != nil || n != jobs {
						b.Fatal(n, err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*jobs), "ns/job")
			})
		}
		run("decodePage", func() (int, error) {
			page, err := decodePage(body, jobs)
			return len(page.jobs), err
		})
		run("encoding-json", func() (int, error) {
			var page generated.JobPage
			err := json.Unmarshal(body, &page)
			return len(page.Jobs), err
		})
	}
}

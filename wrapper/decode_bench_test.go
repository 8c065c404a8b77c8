package d365backup

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/bench"
)

// typicalPage is the first page of ten as the contract has them.
func typicalPage(jobs int) []byte { return bench.NewList(10*jobs, jobs).AppendPage(nil, 1) }

// BenchmarkDecode compares the decoder with encoding/json on the generated types.
func BenchmarkDecode(b *testing.B) {
	for _, jobs := range []int{100, 1000} {
		body := typicalPage(jobs)
		run := func(name string, decode func() (int, error)) {
			b.Run(fmt.Sprintf("jobs=%d/decoder=%s", jobs, name), func(b *testing.B) {
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
		run("d365backup", func() (int, error) {
			page, err := decoded(body, jobs)
			return len(page.Jobs), err
		})
		run("json", func() (int, error) {
			var page generated.JobPage
			err := json.Unmarshal(body, &page)
			return len(page.Jobs), err
		})
	}
}

package d365backup_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/bench"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// clientOf returns a client of the service, with the shared transport unless an option sets another.
func clientOf(tb testing.TB, service *bench.Service, options ...d365backup.Option) *d365backup.Client {
	tb.Helper()
	client, err := d365backup.New(append([]d365backup.Option{
		d365backup.WithBaseURL(service.URL),
		d365backup.WithTokenURL(service.URL + bench.TokenPath),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret("id", "secret"),
	}, options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// privateTransport returns a transport that shares no connection with other tests.
func privateTransport(tb testing.TB) d365backup.Option {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	tb.Cleanup(transport.CloseIdleConnections)
	return d365backup.WithHTTPClient(&http.Client{Transport: transport})
}

// generatedPages returns a function that reads a page of the service with the generated client alone.
func generatedPages(tb testing.TB, service *bench.Service, size int) func(number int) (*generated.JobPage, error) {
	tb.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	tb.Cleanup(transport.CloseIdleConnections)
	authorize := func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer token")
		return nil
	}
	client, err := generated.NewClientWithResponses(service.URL,
		generated.WithHTTPClient(&http.Client{Transport: transport}), generated.WithRequestEditorFn(authorize))
	if err != nil {
		tb.Fatal(err)
	}
	return func(number int) (*generated.JobPage, error) {
		resp, err := client.GetJobsWithResponse(tb.Context(), generated.JobFilterModel{
			PageInfo:  generated.PageModel{CurrentPage: new(int32(number)), PageSize: new(int32(size))},
			Type:      new(generated.BackupRestoreTypeAll),
			StartTime: new(valid.Start),
			EndTime:   new(valid.End),
		})
		switch {
		case err != nil:
			return nil, err
		case resp.JSON200 == nil:
			return nil, fmt.Errorf("status %d", resp.StatusCode())
		}
		return resp.JSON200, nil
	}
}

// side is one of the two clients compared.
type side struct {
	read  func() (jobs int, err error)
	took  time.Duration
	bytes uint64
}

// run reads this many pages and adds what they cost, the server's part included.
func (s *side) run(b *testing.B, pages, jobs int) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started := time.Now()
	for range pages {
		if n, err := s.read(); err != nil || n != jobs {
			b.Fatalf("%d jobs, %v", n, err)
		}
	}
	s.took += time.Since(started)
	runtime.ReadMemStats(&after)
	s.bytes += after.TotalAlloc - before.TotalAlloc
}

// BenchmarkPage reads pages over loopback with the client and with the generated one, alternating every few
// milliseconds, so that a busy machine slows both equally. Both use the same server, whose time and
// memory count for both.
func BenchmarkPage(b *testing.B) {
	for _, jobs := range []int{100, 1000} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			service := bench.Serve(b, bench.NewList(10*jobs, jobs), nil)
			client := clientOf(b, service, d365backup.WithPageSize(jobs), privateTransport(b))
			read := generatedPages(b, service, jobs)
			ours := side{read: func() (int, error) {
				page, err := client.Page(b.Context(), valid, 1)
				if err != nil {
					return 0, err
				}
				return len(page.Jobs), nil
			}}
			theirs := side{read: func() (int, error) {
				page, err := read(1)
				if err != nil {
					return 0, err
				}
				return len(page.Jobs), nil
			}}
			ours.run(b, 1, jobs) // connects, and gets a token
			theirs.run(b, 1, jobs)
			ours.took, ours.bytes, theirs.took, theirs.bytes = 0, 0, 0, 0
			pages := 20_000 / jobs // enough for pools to settle
			rounds := 0
			for b.Loop() {
				ours.run(b, pages, jobs)
				theirs.run(b, pages, jobs)
				rounds++
			}
			n := float64(rounds * pages)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(ours.took.Microseconds())/n, "µs/page")
			b.ReportMetric(float64(theirs.took.Microseconds())/n, "generated-µs/page")
			b.ReportMetric(float64(ours.bytes)/n, "B/page")
			b.ReportMetric(float64(theirs.bytes)/n, "generated-B/page")
			b.ReportMetric(theirs.took.Seconds()/ours.took.Seconds(), "x-faster")
			b.ReportMetric(float64(ours.bytes)/float64(theirs.bytes), "of-generated-B")
		})
	}
}

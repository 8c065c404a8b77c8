//go:build unix

package exporter

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/d365backup/d365backup/sandbox"
)

// readyService returns pages that were encoded before, so that it takes almost no time.
type readyService struct {
	latency                      time.Duration
	all, recent                  [][]byte // pages
	connections, requests, bytes atomic.Int64
}

// newReadyService has the jobs of a usual tenant: six organizations with four jobs a day each.
func newReadyService(latency time.Duration) *readyService {
	var all, recent []sandbox.Job
	for i := range 35 * 24 {
		job := backup(fmt.Sprintf("DCIB20261126%016d", i), time.Now().Add(-time.Duration(i+1)*time.Hour), []int{3, 3, 3, 3, 3, 3, 3, 7}[i%8])
		job.Type = []int{1, 1, 1, 16}[i/6%4]
		job.OrganizationID, job.OrganizationName = fmt.Sprintf("69cb1ecc-f8e8-439b-8077-a4b7fd45e87%d", i%6), fmt.Sprintf("Organization %d", i%6)
		job.BackupSize, job.TotalRecord, job.SuccessfulRecord, job.SkippedRecord = 734003200, 48012, 48000, 12
		all = append(all, job)
		if i < 24 {
			recent = append(recent, job)
		}
	}
	return &readyService{latency: latency, all: pages(all), recent: pages(recent)}
}

// pages encodes jobs as pages of 100, and an empty one after them.
func pages(jobs []sandbox.Job) (pages [][]byte) {
	for first := 0; first < len(jobs)+100; first += 100 {
		page, err := json.Marshal(map[string]any{
			"totalCount": len(jobs), "jobs": jobs[min(first, len(jobs)):min(first+100, len(jobs))], "pageIndex": first/100 + 1, "pageSize": 100,
		})
		if err != nil {
			panic(err)
		}
		pages = append(pages, page)
	}
	return pages
}

func (s *readyService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	body, _ := io.ReadAll(r.Body)
	time.Sleep(s.latency)
	response := []byte(`{"access_token":"token","expires_in":3600,"token_type":"Bearer"}`)
	if !strings.HasSuffix(r.URL.Path, "/token") {
		var filter struct {
			PageInfo  struct{ CurrentPage int }
			StartTime time.Time
		}
		if err := json.Unmarshal(body, &filter); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		list := s.recent
		if time.Since(filter.StartTime) > 30*24*time.Hour {
			list = s.all
		}
		response = list[min(filter.PageInfo.CurrentPage, len(list))-1]
	}
	s.bytes.Add(int64(len(response)))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(response)
}

// round probes all tenants once, with many scrapes at a time, and returns how long that took.
func (s *readyService) round(b *testing.B, e *Exporter) time.Duration {
	b.Helper()
	s.requests.Store(0)
	s.bytes.Store(0)
	handler := e.Handler()
	started := time.Now()
	var group sync.WaitGroup
	places := make(chan struct{}, 256)
	for _, t := range e.targets() {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/probe?target="+t.profile.Name, nil))
			if !strings.Contains(w.Body.String(), "d365backup_probe_success 1\n") {
				b.Error(w.Body.String())
			}
			t.forget(t.last)
		})
	}
	group.Wait()
	return time.Since(started)
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkProbes probes many tenants, each with six organizations and 840 jobs in 35 days, at 200 ms a request: in the first
// round, in which all jobs are read, and in a later one. The time of the processor includes that of the service.
func BenchmarkProbes(b *testing.B) {
	for _, n := range []int{500, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				s := newReadyService(200 * time.Millisecond)
				server := httptest.NewUnstartedServer(s)
				server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateNew {
						s.connections.Add(1)
					}
				}
				server.Start()
				var profiles []Profile
				for _, name := range names("tenant", n) {
					profiles = append(profiles, profile(name, server.URL))
				}
				before := liveHeap()
				e, err := New(Options{
					Load:        func() ([]Profile, error) { return profiles, nil },
					MaxRequests: DefaultMaxRequests, MaxOrganizations: DefaultMaxOrganizations, Log: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					b.Fatal(err)
				}
				for _, name := range []string{"first", "later"} {
					connections, processor := s.connections.Load(), cpu()
					took := s.round(b, e)
					report := func(value float64, unit string) { b.ReportMetric(value, unit+"-"+name) }
					report(float64(s.requests.Load())/float64(n), "requests/probe")
					report(float64(s.bytes.Load())/float64(n), "B/probe")
					report(float64(n)/took.Seconds(), "probes/s")
					report(float64(s.connections.Load()-connections), "connections")
					report((cpu()-processor).Seconds()/float64(n)*1000, "cpu-s/1000-probes")
				}
				time.Sleep(reuse + time.Second) // until no result is kept for reuse
				b.ReportMetric(float64(liveHeap()-before)/float64(n), "B/tenant")
				e.Close()
				server.Close()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

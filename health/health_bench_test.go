package health_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/d365backup/d365backup/health"
)

// tenant returns the jobs of 35 days: four backups, a retention and an audit backup a day for each organization, newest first.
func tenant(organizations int) (list jobs) {
	for hours := 0; hours < 35*24; hours += 6 {
		for i := range organizations {
			o := org(fmt.Sprintf("00000000-0000-0000-0000-%012d", i+1), fmt.Sprint("Organization ", i))
			status := finished
			if (hours/6+i)%20 == 0 {
				status = failed
			}
			list = append(list, job(float64(hours), status, o))
			if hours%24 == 0 {
				list = append(list, job(float64(hours)+1, finished, o, ofType(8)), job(float64(hours)+2, finished, o, ofType(16)))
			}
		}
	}
	return list
}

// BenchmarkAdd reports the time for a job, and the memory of an accumulator for an organization with one module and 35 days.
func BenchmarkAdd(b *testing.B) {
	list := tenant(100)
	newAccumulator := func() *health.Accumulator {
		a, err := health.NewAccumulator(policy())
		if err != nil {
			b.Fatal(err)
		}
		for _, j := range list {
			a.Add(j)
		}
		return a
	}
	before := heap()
	a := newAccumulator()
	size := heap() - before
	runtime.KeepAlive(a)
	for b.Loop() {
		newAccumulator()
	}
	b.ReportMetric(float64(size)/100, "bytes/organization")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/job")
}

// BenchmarkProbe is what an exporter does each time: merge what it has kept into a new accumulator, and summarize it.
func BenchmarkProbe(b *testing.B) {
	kept, err := health.NewAccumulator(policy())
	if err != nil {
		b.Fatal(err)
	}
	for _, j := range tenant(4) {
		kept.Add(j)
	}
	for b.Loop() {
		a, err := health.NewAccumulator(policy(func(p *health.Policy) { p.Start = p.Start.Add(time.Minute) }))
		if err != nil {
			b.Fatal(err)
		}
		a.Merge(kept)
		if _, err := a.Summary(now); err != nil {
			b.Fatal(err)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

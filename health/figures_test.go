package health_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestGaps compares the gaps with those between all successes in order.
func TestGaps(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := policy(func(p *health.Policy) {
			p.MaxAge = []time.Duration{time.Minute, 50 * time.Minute, 5 * time.Hour, 24 * time.Hour, 36 * time.Hour, 100 * time.Hour}[r.IntN(6)]
			p.Location = location(t, []string{"UTC", "Europe/Berlin", "America/Santiago", "Pacific/Apia"}[r.IntN(4)])
			if r.IntN(2) == 0 {
				p.Overrides = []health.Override{{Target: health.Target{Organization: "other"}, MaxAge: 3 * time.Hour}}
			}
		})
		var list jobs
		times := []time.Time{}
		for range 1 + r.IntN(100) {
			j := job(r.Float64()*35*24, finished)
			list, times = append(list, j), append(times, j.StartTime)
		}
		slices.SortFunc(times, time.Time.Compare)
		want, last := []health.Gap{}, times[0]
		for _, start := range append(times, now) {
			if start.Sub(last) > p.MaxAge {
				want = append(want, health.Gap{Start: last, End: start})
			}
			last = start
		}
		if diff := cmp.Diff(want, assess(t, p, list...).Organizations[0].Modules[0].Gaps); diff != "" {
			t.Fatalf("seed %d:\n%s", seed, diff)
		}
	}
}

// TestGapEdges has gaps at the ends of the window.
func TestGapEdges(t *testing.T) {
	at := func(hoursAgo int) time.Time { return now.Add(-time.Duration(hoursAgo) * time.Hour) }
	window := policy(func(p *health.Policy) { p.WindowStart = at(200) })
	for _, test := range []struct {
		name   string
		policy health.Policy
		jobs   jobs
		want   []health.Gap
	}{
		{"begins before the window", window, jobs{job(300, finished), job(190, finished), job(160, finished), job(100, finished), job(70, finished), job(40, finished)},
			[]health.Gap{{at(300), at(190)}, {at(160), at(100)}, {at(40), at(0)}}},
		{"before the window", window, jobs{job(400, finished), job(210, finished), job(190, finished)}, []health.Gap{{at(190), at(0)}}},
		{"first seen with a failure", policy(), jobs{job(100, failed), job(30, finished)}, []health.Gap{{at(100), at(30)}}},
		{"exceptions", policy(), jobs{job(60, finished), job(30, exception)}, []health.Gap{{at(60), at(0)}}},
		{"tolerated exceptions", policy(tolerant), jobs{job(60, finished), job(30, exception)}, []health.Gap{}},
		{"never seen", policy(since(100), func(p *health.Policy) { p.Expected = []health.Target{{Organization: "Sales", Module: ce}} }), nil, []health.Gap{{at(100), at(0)}}},
		{"in the future", policy(), jobs{job(100, finished), job(-0.5, finished)}, []health.Gap{{at(100), at(0)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, assess(t, test.policy, test.jobs...).Organizations[0].Modules[0].Gaps); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDays has local days, whatever their length.
func TestDays(t *testing.T) {
	for _, test := range []struct {
		zone, from, to string // of the days to expect
		start          string // of the last one
	}{
		{"UTC", "2026-11-24", "2026-11-26", "2026-11-26T00:00:00Z"},
		{"Europe/Berlin", "2026-03-27", "2026-03-29", "2026-03-28T23:00:00Z"},
		{"Europe/Berlin", "2026-10-23", "2026-10-25", "2026-10-24T22:00:00Z"},
		{"America/Santiago", "2026-09-04", "2026-09-06", "2026-09-06T04:00:00Z"}, // begins at 01:00
		{"America/Santiago", "2026-04-03", "2026-04-05", "2026-04-05T04:00:00Z"}, // 4 April ends twice
		{"America/Havana", "2026-03-06", "2026-03-08", "2026-03-08T05:00:00Z"},   // begins at 01:00
		{"America/Havana", "2026-10-30", "2026-11-01", "2026-11-01T04:00:00Z"},   // begins twice
	} {
		t.Run(test.zone+test.to, func(t *testing.T) {
			zone := location(t, test.zone)
			start, err := time.Parse(time.RFC3339, test.start)
			if err != nil {
				t.Fatal(err)
			}
			p := health.Policy{Start: start.Add(-4 * 24 * time.Hour), WindowStart: start.Add(-47 * time.Hour), Now: start.Add(90 * time.Minute), Location: zone}
			var list jobs
			for i := -72 * 60; i <= 90; i += 5 {
				list = append(list, job(now.Sub(start).Hours()-float64(i)/60, finished))
			}
			m := assess(t, p, list...).Organizations[0].Modules[0]
			var dates []string
			for _, day := range m.Days {
				dates = append(dates, day.Date.Format(time.DateOnly))
			}
			last := m.Days[len(m.Days)-1]
			if dates[0] != test.from || dates[len(dates)-1] != test.to || len(dates) != 3 || !last.Date.Equal(start) || last.Successes != 19 {
				t.Errorf("%v, last from %v with %d", dates, last.Date.UTC(), last.Successes)
			}
			if m.DaysWithoutSuccess != 0 {
				t.Errorf("%d days without success", m.DaysWithoutSuccess)
			}
		})
	}
}

// TestLastDay has no day after the verdict, even if a clock is ahead.
func TestLastDay(t *testing.T) {
	p := policy()
	p.Now = time.Date(2026, 11, 26, 23, 50, 0, 0, time.UTC)
	days := assess(t, p, job(20, finished), job(-12.5, finished)).Organizations[0].Modules[0].Days
	if len(days) != 1 || days[0].Date.Day() != 25 {
		t.Errorf("%+v", days)
	}
}

// TestFigures has sums over the window.
func TestFigures(t *testing.T) {
	sized := func(size, failedRecords int64) func(*d365Job) {
		return func(j *d365Job) {
			j.BackupSize, j.FailedRecord, j.TotalRecord, j.SuccessfulEntity = size, failedRecords, 10, 2
		}
	}
	p := policy(func(p *health.Policy) { p.WindowStart = now.Add(-100 * time.Hour) })
	s := assess(t, p,
		job(300, finished, sized(1000, 3)), job(99, finished, sized(70, 0)), job(98, exception, sized(80, 4)), job(97, failed, sized(900, 10)),
		job(50, failed), job(30, finished, ofType(8)), job(25, running, sized(7, 7)), job(3, finished, sized(60, 0)), job(2, finished, undated))
	m := s.Organizations[0].Modules[0]
	counts := []health.Count{{1, running, 1}, {1, finished, 3}, {1, failed, 2}, {1, exception, 1}, {8, finished, 1}}
	if diff := cmp.Diff(counts, m.Jobs) + cmp.Diff(counts, s.Jobs); diff != "" {
		t.Error(diff)
	}
	if want := (health.Outcomes{Failed: 21, Total: 50}); m.Records != want || m.Entities.Successful != 10 {
		t.Errorf("records %+v, entities %+v", m.Records, m.Entities)
	}
	wantDay := health.Day{Date: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Successes: 1, Exceptions: 1, Failures: 1, RecordsNotBackedUp: 14, Size: 80, Longest: 30 * time.Minute}
	if len(m.Days) != 4 || m.Days[0] != wantDay {
		t.Errorf("%d days, the first is %+v", len(m.Days), m.Days)
	}
	if m.DaysWithoutSuccess != 3 { // 23, 24 and 25 November
		t.Errorf("%d days without a success", m.DaysWithoutSuccess)
	}
	var problems []string
	for _, problem := range m.Problems {
		problems = append(problems, problem.JobID)
	}
	if want := []string{"J50", "J97", "J98", "J300"}; !slices.Equal(problems, want) {
		t.Errorf("problems %v, want %v", problems, want)
	}
	if m.LastSuccess.JobID != "J3" || m.LastException.JobID != "J98" || m.LastFailure.JobID != "J50" || !m.LastStart.Equal(now.Add(-3*time.Hour)) ||
		m.Age != 3*time.Hour || m.Running != 1 || !m.RunningSince.Equal(now.Add(-25*time.Hour)) || !m.FirstSeen.Equal(now.Add(-300*time.Hour)) {
		t.Errorf("%+v", m)
	}
	if want := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC); !s.WindowStart.Equal(want) {
		t.Errorf("window starts at %v", s.WindowStart)
	}
}

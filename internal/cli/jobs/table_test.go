package jobs

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/golden"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

var night = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// lastNight has jobs of every status, including unknown ones: -9, since 1<<30 is so wide that columns have no room.
func lastNight() []job {
	var jobs []job
	for i, s := range append(d365backup.JobStatuses()[1:], -9, d365backup.JobStatusUnknown) {
		j := job{
			Module: "Customer Engagement", Type: append(d365backup.JobTypes(), 1<<30, d365backup.JobTypeUnknown)[i+1],
			Status: s, JobID: fmt.Sprintf("DCIB20261101030000123456%02d", i),
			StartTime: night.Add(time.Duration(i) * 7 * time.Hour), OrganizationName: "Contoso Field Operations " + strings.Repeat("営", i),
			OrganizationID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f",
		}
		if s != d365backup.JobStatusInProgress {
			j.DurationHours = float64(i) * 3.3
			j.FinishTime = j.StartTime.Add(time.Duration(j.DurationHours * float64(time.Hour)))
			j.TotalRecord, j.BackupSize = 1234567, 1<<(10*i)
		}
		if s == d365backup.JobStatusFailed {
			j.FailedRecord = 45678
		}
		jobs = append(jobs, j)
	}
	return jobs
}

func render(t *testing.T, screen cmdutil.Screen, columns []string, jobs []job) string {
	t.Helper()
	var out strings.Builder
	zone := time.FixedZone("CET", 3600)
	p := &tablePrinter{out: &out, screen: screen, zone: zone, droppable: columns == nil}
	if columns == nil {
		columns = defaultColumns
	}
	var err error
	if p.fields, err = fieldsByName(columns); err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if err := p.print(j); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.close(listed{start: night, end: night.AddDate(0, 0, 2)}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTable(t *testing.T) {
	text.EnableColors() // in any environment of the test
	tests := map[string]struct {
		screen  cmdutil.Screen
		columns []string
	}{
		"width_40":      {cmdutil.Screen{Width: 40}, nil},
		"width_80":      {cmdutil.Screen{Width: 80}, nil},
		"width_120":     {cmdutil.Screen{Width: 120}, nil},
		"width_200":     {cmdutil.Screen{Width: 200}, nil},
		"unlimited":     {cmdutil.Screen{}, nil},
		"color":         {cmdutil.Screen{Terminal: true, Width: 80, Color: true}, nil},
		"columns_80":    {cmdutil.Screen{Width: 80}, []string{"organizationName", "module", "organizationId", "status"}},
		"columns_200":   {cmdutil.Screen{Width: 200}, FieldNames()[:10]},
		"columns_wider": {cmdutil.Screen{Width: 20}, []string{"jobId", "startTime"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			golden.Equal(t, filepath.Join("testdata", name+".golden"), render(t, tt.screen, tt.columns, lastNight()))
		})
	}
}

// TestTableFits: from the minimum width on, no line is wider than the screen, and only columns that can be shortened are.
func TestTableFits(t *testing.T) {
	for width := 60; width <= 220; width++ {
		table, _, _ := strings.Cut(render(t, cmdutil.Screen{Width: width}, nil, lastNight()), "\n\n")
		for line := range strings.Lines(table) {
			if n := text.StringWidth(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
		for _, whole := range []string{"2026-11-01 08:00", "45,678", "STATUS"} {
			if !strings.Contains(table, whole) {
				t.Errorf("width %d: %s is missing:\n%s", width, whole, table)
			}
		}
	}
}

// TestTableLong: a table longer than a block continues under the same header, with the same widths.
func TestTableLong(t *testing.T) {
	jobs := make([]job, 2*blockRows+1)
	for i := range jobs {
		jobs[i] = job{JobID: fmt.Sprint(i), Status: d365backup.JobStatusFinished, StartTime: night, OrganizationName: "short"}
	}
	jobs[blockRows].OrganizationName = strings.Repeat("long", 100)
	lines := strings.Split(render(t, cmdutil.Screen{}, nil, jobs), "\n")
	if len(lines) != 1+len(jobs)+4 || lines[len(lines)-3] != "2,001 jobs from 2026-11-01 01:00 to 2026-11-03 01:00 CET" {
		t.Fatalf("%d lines, the last %q", len(lines), lines[len(lines)-4:])
	}
	at := strings.Index(lines[0], "RECORDS")
	for i, line := range lines[1 : len(jobs)+1] {
		if text.StringWidth(line[:strings.LastIndex(line, " ")+1]) != strings.Index(lines[0], "JOB ID") {
			t.Fatalf("line %d is not aligned: %q", i, line)
		}
	}
	if at < 0 || !strings.Contains(lines[blockRows+1], "longlongl") || !strings.Contains(lines[blockRows+1], "…") {
		t.Errorf("got %q", lines[blockRows+1])
	}
}

// TestTableClipped: one long text neither widens the other rows nor stays in memory, in any field and with or without a
// screen width.
func TestTableClipped(t *testing.T) {
	long := job{}
	for _, f := range reflect.ValueOf(&long).Elem().Fields() {
		if f.Kind() == reflect.String {
			f.SetString(strings.Repeat("long", 100_000))
		}
	}
	jobs := append(make([]job, 100), long)
	for width, columns := range map[int][]string{0: FieldNames(), 80: {"jobId", "organizationName"}} {
		got := render(t, cmdutil.Screen{Width: width}, columns, jobs)
		if len(got) > 200_000 || !strings.Contains(got, "longlong") || !strings.Contains(got, "…") {
			t.Errorf("width %d: %d jobs make %d bytes", width, len(jobs), len(got))
		}
	}
	p := &tablePrinter{}
	if err := p.print(long); err != nil {
		t.Fatal(err)
	}
	if kept := fmt.Sprint(p.block); len(kept) > 10_000 {
		t.Errorf("one job keeps %d bytes", len(kept))
	}
}

// TestTableFooterSaturates: failed records are reported, however many there are, and no job subtracts any.
func TestTableFooterSaturates(t *testing.T) {
	for want, failed := range map[string][]int64{
		"9,223,372,036,854,775,807 records failed": {math.MaxInt64, math.MaxInt64},
		"3 records failed":                         {3, -2},
	} {
		jobs := make([]job, len(failed))
		for i, n := range failed {
			jobs[i].FailedRecord = n
		}
		if got := render(t, cmdutil.Screen{}, nil, jobs); !strings.HasSuffix(got, "\n"+want+"\n") {
			t.Errorf("want %s:\n%s", want, got)
		}
	}
}

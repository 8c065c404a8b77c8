package jobs

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/google/go-cmp/cmp"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestFieldsOfContract: every format has every field of the library, under the same name and in the same order.
func TestFieldsOfContract(t *testing.T) {
	var want []string
	for f := range reflect.TypeFor[job]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" { // an unknown word is shown as its type or status
			want = append(want, name)
		}
	}
	if diff := cmp.Diff(want, FieldNames()); diff != "" {
		t.Errorf("a field is missing in the command, or out of order: fix internal/cli/jobs/fields.go (-want +got):\n%s", diff)
	}
}

// filled returns a job whose fields have different values.
func filled() job {
	j := job{
		Type: d365backup.JobTypeExport, Status: d365backup.JobStatusFailed,
		StartTime:  time.Date(2026, 11, 1, 3, 0, 0, 123456700, time.FixedZone("CET", 3600)),
		FinishTime: time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC),
	}
	v := reflect.ValueOf(&j).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Int64:
			f.SetInt(int64(1000 + i))
		case reflect.Float64:
			f.SetFloat(float64(i) + 0.25)
		case reflect.String:
			f.SetString(string(rune('a' + i)))
		}
	}
	return j
}

// TestEncode: a job is encoded as by the library, except for times, which are in UTC and can be null.
func TestEncode(t *testing.T) {
	for name, j := range map[string]job{
		"filled":  filled(),
		"unknown": {Type: 1 << 30, Status: d365backup.JobStatusUnknown},
		"unusual": {OrganizationName: "\x1b\u2028\"\\\xff</script>", DurationHours: 1e-7},
	} {
		var w jx.Writer
		encode(&w, j)
		got := w.Buf
		j.StartTime, j.FinishTime = j.StartTime.UTC(), j.FinishTime.UTC()
		marshalled, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		var gotMap, want map[string]any
		if err := json.Unmarshal(got, &gotMap); err != nil {
			t.Fatalf("%s: %v: %s", name, err, got)
		}
		if err := json.Unmarshal(marshalled, &want); err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"startTime", "finishTime"} {
			if _, ok := want[field]; !ok {
				want[field] = nil
			}
		}
		if diff := cmp.Diff(want, gotMap); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOrder(t *testing.T) {
	small, big := filled(), filled()
	small.BackupSize, big.BackupSize = 1, 2
	small.Module, big.Module = "b", "a"
	for keys, want := range map[string]int{
		"backupSize": -1, "-backupSize": 1, "BACKUPSIZE": -1, "module": 1, "jobId": 0, "jobId, -backupSize": 1, "-jobId,backupSize": -1,
	} {
		order, err := orderBy(strings.Split(keys, ","))
		if err != nil {
			t.Fatal(err)
		}
		if got := order(small, big); got != want {
			t.Errorf("%s: got %d, want %d", keys, got, want)
		}
	}
	for _, f := range fields {
		if f.compare(small, small) != 0 {
			t.Errorf("%s: a job does not equal itself", f.name)
		}
	}
}

package database

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/ncruces/go-sqlite3/driver"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// open returns an empty database in a file.
func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "jobs.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func execute(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// jobs have every type and status, numbers of a later release, and unknown words.
func jobs() (all []d365backup.Job) {
	statuses := append(d365backup.JobStatuses()[1:], 1<<30, d365backup.JobStatusUnknown)
	for i, jobType := range append(d365backup.JobTypes()[1:], 1<<30, d365backup.JobTypeUnknown) {
		all = append(all, d365backup.Job{Type: jobType, Status: statuses[i%len(statuses)]})
	}
	return append(all, d365backup.Job{
		Type: d365backup.JobTypeUnknown, UnknownType: "Migration", Status: d365backup.JobStatusUnknown, UnknownStatus: "Partially Failed",
	})
}

// TestWords: a database shows words, and jobs come back as they were.
func TestWords(t *testing.T) {
	db := open(t)
	execute(t, db, "CREATE TABLE job (n INTEGER PRIMARY KEY, type TEXT, status TEXT)")
	for n, job := range jobs() {
		if job.UnknownType == "" {
			execute(t, db, "INSERT INTO job VALUES (?, ?, ?)", n, job.Type, job.Status)
		} else {
			execute(t, db, "INSERT INTO job VALUES (?, ?, ?)", n, job.TypeText(), job.StatusText())
		}
	}
	rows, err := db.QueryContext(t.Context(), "SELECT type, status, type, status FROM job ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, want := range jobs() {
		var got d365backup.Job
		var typeText, statusText string
		if !rows.Next() {
			t.Fatalf("there are rows missing: %v", rows.Err())
		}
		if err := rows.Scan(&got.Type, &got.Status, &typeText, &statusText); err != nil {
			t.Fatal(err)
		}
		if typeText != want.TypeText() || statusText != want.StatusText() {
			t.Errorf("the database shows %q and %q, want %q and %q", typeText, statusText, want.TypeText(), want.StatusText())
		}
		want.UnknownType, want.UnknownStatus = "", ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	var finished, want int
	for _, job := range jobs() {
		if job.Status == d365backup.JobStatusFinished {
			want++
		}
	}
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM job WHERE status = ?", d365backup.JobStatusFinished).Scan(&finished); err != nil || finished != want || want == 0 {
		t.Errorf("%d jobs finished, want %d, %v", finished, want, err)
	}
}

// TestNumbers: numbers that another program wrote are read, and NULL and times are refused.
func TestNumbers(t *testing.T) {
	db := open(t)
	execute(t, db, "CREATE TABLE job (type INTEGER, status INTEGER, started TIMESTAMP)")
	execute(t, db, "INSERT INTO job VALUES (16, 7, ?)", time.Now())
	var jobType d365backup.JobType
	var status d365backup.JobStatus
	row := func(columns string) *sql.Row { return db.QueryRowContext(t.Context(), "SELECT "+columns+" FROM job") }
	if err := row("type, status").Scan(&jobType, &status); err != nil ||
		jobType != d365backup.JobTypeAuditBackup || status != d365backup.JobStatusFinishedWithException {
		t.Errorf("got %v and %v, %v", jobType, status, err)
	}
	for _, column := range []string{"NULL", "started", "0.5"} {
		if err := row(column).Scan(&jobType); err == nil {
			t.Errorf("%s becomes %v", column, jobType)
		}
	}
	var null sql.Null[d365backup.JobStatus]
	if err := row("NULL").Scan(&null); err != nil || null.Valid {
		t.Errorf("sql.Null: %+v, %v", null, err)
	}
}

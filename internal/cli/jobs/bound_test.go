package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// endless is an endless list of different jobs, which counts them.
func endless(given *int) iter.Seq2[job, error] {
	return func(yield func(job, error) bool) {
		for yield(job{JobID: fmt.Sprint(*given), StartTime: time.Unix(int64(*given), 0)}, nil) {
			*given++
		}
	}
}

// TestEndlessList: what holds jobs in memory ends with an error if there are too many.
func TestEndlessList(t *testing.T) {
	for name, read := range map[string]func(iter.Seq2[job, error]) error{
		"sort": func(list iter.Seq2[job, error]) error {
			for _, err := range sorted(bounded(list, "--sort"), func(a, b job) int { return 0 }) {
				return err
			}
			return nil
		},
		"follow": func(list iter.Seq2[job, error]) error {
			app := cmdutil.NewApp(nil, nil, t.Output(), t.Output())
			f := follower{
				app: app, drift: cmdutil.NewDrift(app), window: time.Hour, interval: time.Minute,
				list: func(context.Context, d365backup.Query) iter.Seq2[job, error] { return list },
			}
			return f.run(t.Context())
		},
	} {
		given := 0
		if err := read(endless(&given)); !errors.Is(err, errTooMany) || given != maxHeld {
			t.Errorf("%s: %v after %d jobs", name, err, given)
		}
	}
}

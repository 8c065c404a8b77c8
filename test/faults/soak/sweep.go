package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// errWrong is what must not happen, whatever the network does.
var errWrong = errors.New("wrong")

// keepSweeping sweeps until the context ends; what is under way then is not broken off.
func (s *service) keepSweeping(ctx context.Context, client *d365backup.Client, choice *rand.Rand, c *counts) {
	for ctx.Err() == nil {
		most := len(s.ids)
		if choice.IntN(8) == 0 { // leave the loop early
			most = choice.IntN(most)
		}
		err := s.sweep(context.WithoutCancel(ctx), client, most)
		switch {
		case errors.Is(err, errWrong):
			c.wrong(err)
		case err != nil:
			c.add("failed sweeps", kindOf(err))
		case most < len(s.ids):
			c.add("sweeps", "left early")
		default:
			c.add("sweeps", "complete")
		}
		time.Sleep(time.Duration(choice.Int64N(int64(2 * time.Second))))
	}
}

// sweep goes through so many jobs, or all. It returns why it could not, and errWrong where it was told something else
// than the truth.
func (s *service) sweep(ctx context.Context, client *d365backup.Client, most int) error {
	var ids []string
	for job, err := range client.Jobs(ctx, s.query) {
		if err != nil {
			return s.judge(err, ids)
		}
		if len(ids) == most && most < len(s.ids) {
			break
		}
		ids = append(ids, job.JobID)
	}
	if !slices.Equal(ids, s.ids[:most]) {
		return fmt.Errorf("%w: a sweep without an error has %d jobs that are not the service's %d", errWrong, len(ids), most)
	}
	return nil
}

// judge checks an error and the jobs before it. The list stands still, so that nothing can make a sweep doubt
// that it is complete.
func (s *service) judge(err error, ids []string) error {
	switch {
	case len(ids) > len(s.ids) || !slices.Equal(ids, s.ids[:len(ids)]):
		return fmt.Errorf("%w: the %d jobs before an error are not the service's first: %w", errWrong, len(ids), err)
	case errors.Is(err, d365backup.ErrIncomplete), kindOf(err) == "":
		return fmt.Errorf("%w: an error that nothing explains: %w", errWrong, err)
	case strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret):
		return fmt.Errorf("%w: an error shows the secret", errWrong)
	}
	return err
}

// kindOf returns the text of the error's kind; that of the context's error where the time for a page was over.
// It is empty where the error is none that the client promises.
func kindOf(err error) string {
	e, ok := errors.AsType[*d365backup.Error](err)
	switch {
	case !ok:
		return ""
	case e.Kind != nil:
		return e.Kind.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "time-out of a page"
	}
	return ""
}

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

// errViolation marks what must not happen, whatever the network does.
var errViolation = errors.New("violation")

// keepSweeping sweeps until the context ends. It completes the current sweep then.
func (s *service) keepSweeping(ctx context.Context, client *d365backup.Client, choice *rand.Rand, c *counts) {
	for ctx.Err() == nil {
		most := len(s.ids)
		if choice.IntN(8) == 0 { // leave the loop early
			most = choice.IntN(most)
		}
		err := s.sweep(context.WithoutCancel(ctx), client, most)
		switch {
		case errors.Is(err, errViolation):
			c.violation(err)
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

// sweep reads so many jobs, or all. It returns the error of the client, and errViolation if the jobs or the error are wrong.
func (s *service) sweep(ctx context.Context, client *d365backup.Client, most int) error {
	var ids []string
	for job, err := range client.Jobs(ctx, s.query) {
		if err != nil {
			return s.checkError(err, ids)
		}
		if len(ids) == most && most < len(s.ids) {
			break
		}
		ids = append(ids, job.JobID)
	}
	if !slices.Equal(ids, s.ids[:most]) {
		return fmt.Errorf("%w: a sweep without an error has %d jobs that are not the service's %d", errViolation, len(ids), most)
	}
	return nil
}

// checkError checks an error and the jobs before it. The list does not change, so a sweep must not end in
// ErrIncomplete.
func (s *service) checkError(err error, ids []string) error {
	switch {
	case len(ids) > len(s.ids) || !slices.Equal(ids, s.ids[:len(ids)]):
		return fmt.Errorf("%w: the %d jobs before an error are not the service's first: %w", errViolation, len(ids), err)
	case errors.Is(err, d365backup.ErrIncomplete), kindOf(err) == "":
		return fmt.Errorf("%w: an unexpected error: %w", errViolation, err)
	case strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret):
		return fmt.Errorf("%w: an error shows the secret", errViolation)
	}
	return err
}

// kindOf returns the text of the error's kind, or "timeout of a page" if WithTimeout ended the call. It is empty for
// an error that the client does not document.
func kindOf(err error) string {
	e, ok := errors.AsType[*d365backup.Error](err)
	switch {
	case !ok:
		return ""
	case e.Kind != nil:
		return e.Kind.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout of a page"
	}
	return ""
}

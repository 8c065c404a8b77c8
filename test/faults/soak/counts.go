package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// counts counts events. The zero value is ready to use, and safe for concurrent use.
type counts struct {
	mu         sync.Mutex
	counts     map[string]map[string]int // by subject and kind
	violations []error                   // the first ten
}

func (c *counts) add(subject, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = make(map[string]map[string]int)
	}
	if c.counts[subject] == nil {
		c.counts[subject] = make(map[string]int)
	}
	c.counts[subject][kind]++
}

// violation records an error that must not happen.
func (c *counts) violation(err error) {
	c.add("violations", "in all")
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.violations) < 10 {
		c.violations = append(c.violations, err)
	}
}

func (c *counts) print(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, subject := range slices.Sorted(maps.Keys(c.counts)) {
		var facts []string
		for _, kind := range slices.Sorted(maps.Keys(c.counts[subject])) {
			facts = append(facts, fmt.Sprintf("%d %s", c.counts[subject][kind], kind))
		}
		fmt.Fprintf(w, "%s: %s\n", subject, strings.Join(facts, ", "))
	}
}

// verdict returns the violations, and an error if the run proves nothing.
func (c *counts) verdict() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	problems := c.violations
	if c.counts["sweeps"]["complete"] == 0 {
		problems = append(problems, errors.New("no sweep was complete"))
	}
	if len(c.counts["failed attempts"]) == 0 {
		problems = append(problems, errors.New("no attempt failed: the toxics had no effect"))
	}
	return errors.Join(problems...)
}

// logger returns a logger that counts failed attempts.
func (c *counts) logger() *slog.Logger { return slog.New(handler{c}) }

type handler struct{ counts *counts }

func (handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (h handler) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "kind" { // it has none if the caller no longer waits
			h.counts.add("failed attempts", a.Value.String())
		}
		return true
	})
	return nil
}

func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h handler) WithGroup(string) slog.Handler      { return h }

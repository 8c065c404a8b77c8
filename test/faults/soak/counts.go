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

// counts is what happened. The zero value is ready, and safe for concurrent use.
type counts struct {
	mu     sync.Mutex
	counts map[string]map[string]int // by subject and kind
	wrongs []error                   // the first of them
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

// wrong notes what must not happen.
func (c *counts) wrong(err error) {
	c.add("wrong", "in all")
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrongs) < 10 {
		c.wrongs = append(c.wrongs, err)
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

// verdict finds what went wrong, and a soak that shows nothing.
func (c *counts) verdict() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	problems := c.wrongs
	if c.counts["sweeps"]["complete"] == 0 {
		problems = append(problems, errors.New("no sweep was complete"))
	}
	if len(c.counts["failed attempts"]) == 0 {
		problems = append(problems, errors.New("no attempt failed: nothing was in the way"))
	}
	return errors.Join(problems...)
}

// logger returns a logger that counts failed attempts.
func (c *counts) logger() *slog.Logger { return slog.New(handler{c}) }

type handler struct{ counts *counts }

func (handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (h handler) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "kind" { // it has none where the caller gave up
			h.counts.add("failed attempts", a.Value.String())
		}
		return true
	})
	return nil
}

func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h handler) WithGroup(string) slog.Handler      { return h }

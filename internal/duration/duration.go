// Package duration reads durations as flags and the configuration file write them.
package duration

import (
	"cmp"
	"errors"
	"math"
	"regexp"
	"strconv"
	"time"
)

var (
	parts      = regexp.MustCompile(`^(?:(\d{1,9})w)?(?:(\d{1,9})d)?(.*)$`)
	errInvalid = errors.New("write a time such as 90m, 24h, 7d or 1d12h, more than 0")
)

// Parse reads Go's notation and days and weeks, such as 1d12h. A day has 24 hours. The result is more than 0.
func Parse(text string) (time.Duration, error) {
	found := parts.FindStringSubmatch(text)
	if found == nil || text == "" {
		return 0, errInvalid
	}
	weeks, _ := strconv.Atoi("0" + found[1])
	days, _ := strconv.Atoi("0" + found[2])
	rest, err := time.ParseDuration(cmp.Or(found[3], "0"))
	total := (7*float64(weeks)+float64(days))*24*float64(time.Hour) + float64(rest)
	if err != nil || rest < 0 || total <= 0 || total >= math.MaxInt64 {
		return 0, errInvalid
	}
	return time.Duration(7*weeks+days)*24*time.Hour + rest, nil
}

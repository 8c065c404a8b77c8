package health

import (
	"encoding/json"
	"time"
)

// MarshalJSON adds maxAgeSeconds, maxRunningSeconds and, if there is a success, ageSeconds.
func (m Module) MarshalJSON() ([]byte, error) {
	type fields Module
	out := struct {
		fields
		MaxAge     int64  `json:"maxAgeSeconds"`
		MaxRunning int64  `json:"maxRunningSeconds"`
		Age        *int64 `json:"ageSeconds,omitempty"`
	}{fields(m), seconds(m.MaxAge), seconds(m.MaxRunning), nil}
	if m.Age >= 0 {
		out.Age = new(seconds(m.Age))
	}
	return json.Marshal(out)
}

// MarshalJSON adds durationSeconds if it is known.
func (b Backup) MarshalJSON() ([]byte, error) {
	type fields Backup
	return json.Marshal(struct {
		fields
		Duration int64 `json:"durationSeconds,omitempty"`
	}{fields(b), seconds(b.Duration)})
}

// MarshalJSON adds the date, such as "2006-01-02", and longestSeconds.
func (d Day) MarshalJSON() ([]byte, error) {
	type fields Day
	return json.Marshal(struct {
		Date string `json:"date"`
		fields
		Longest int64 `json:"longestSeconds"`
	}{d.Date.Format(time.DateOnly), fields(d), seconds(d.Longest)})
}

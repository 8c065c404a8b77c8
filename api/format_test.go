package api

import "testing"

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		format, value string
		want          bool
	}{
		{"date-time", "2026-11-01T03:00:00Z", true},
		{"date-time", "2026-11-01T03:00:00.1234567Z", true},
		{"date-time", "2026-11-01T03:00:00+23:59", true},
		{"date-time", "2026-11-01T03:00:00.5-00:00", true},
		{"date-time", "2026-11-01t03:00:00z", true},
		{"date-time", "2024-02-29T03:00:00Z", true},
		{"date-time", "2026-12-31T23:59:60Z", true},
		{"date-time", "2026-12-31T15:59:60.9-08:00", true},
		{"date-time", "2026-12-31T22:59:60Z", false},
		{"date-time", "2026-12-31T23:59:61Z", false},
		{"date-time", "2026-02-29T03:00:00Z", false},
		{"date-time", "2026-13-01T03:00:00Z", false},
		{"date-time", "2026-11-01T24:00:00Z", false},
		{"date-time", "2026-11-01T3:00:00Z", false},
		{"date-time", "2026-11-01T03:00:00", false},
		{"date-time", "2026-11-01T03:00:00.Z", false},
		{"date-time", "2026-11-01T03:00:00,5Z", false},
		{"date-time", "2026-11-01T03:00:00+24:00", false},
		{"date-time", "2026-11-01T03:00:00+23:60", false},
		{"date-time", "2026-11-01T03:00:00+0100", false},
		{"date-time", "2026-11-01 03:00:00Z", false},
		{"date-time", "2026-11-01", false},
		{"date-time", "", false},
		{"uuid", "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", true},
		{"uuid", "69CB1ECC-F8E8-439B-8077-A4B7FD45E87F", true},
		{"uuid", "00000000-0000-0000-0000-000000000000", true},
		{"uuid", "69cb1ecc-f8e8-439b-8077-a4b7fd45e87", false},
		{"uuid", "69cb1ecc-f8e8-439b-8077-a4b7fd45e87g", false},
		{"uuid", "69cb1eccf8e8439b8077a4b7fd45e87f", false},
		{"uuid", "69cb1ecc-f8e8-439b-8077a-4b7fd45e87f", false},
		{"uuid", "{69cb1ecc-f8e8-439b-8077-a4b7fd45e87}", false},
		{"uuid", "", false},
	} {
		if err := stringFormats[test.format].Validate(test.value); (err == nil) != test.want {
			t.Errorf("%s %q: got %v", test.format, test.value, err)
		}
	}
}

package pace_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/internal/pace"
)

func TestBackoff(t *testing.T) {
	const base, longest = 100 * time.Millisecond, time.Second
	for attempts, most := range map[int]time.Duration{
		1: base, 2: 2 * base, 3: 4 * base, 4: 8 * base, 5: longest, 6: longest, math.MaxInt32: longest,
	} {
		var largest time.Duration
		for range 1000 {
			wait := pace.Backoff(base, longest, attempts)
			if wait < 0 || wait > most {
				t.Fatalf("after %d attempts: wait %s, want at most %s", attempts, wait, most)
			}
			largest = max(largest, wait)
		}
		if largest < most/2 {
			t.Errorf("after %d attempts: no wait over %s, want up to %s", attempts, largest, most)
		}
	}
	if wait := pace.Backoff(math.MaxInt64, math.MaxInt64, 9); wait < 0 {
		t.Errorf("wait %s after an overflow", wait)
	}
	if wait := pace.Backoff(time.Hour, 0, 9); wait != 0 {
		t.Errorf("wait %s, want none", wait)
	}
}

// enter reports how long Enter takes.
func enter(t *testing.T, gate *pace.Gate) time.Duration {
	t.Helper()
	started := time.Now()
	leave, pause, err := gate.Enter(t.Context(), time.Hour)
	if err != nil || pause != 0 {
		t.Fatalf("Enter = pause %s, %v", pause, err)
	}
	leave()
	return time.Since(started)
}

func TestGateLimitsRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := pace.NewGate(1)
		leave, _, err := gate.Enter(t.Context(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if second, _, err := gate.Enter(ctx, time.Hour); second != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second request entered, or error %v", err)
		}
		leave()
		if took := enter(t, gate); took != 0 {
			t.Errorf("waited %s for a free place", took)
		}
	})
}

func TestPauseAndRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := pace.NewGate(16)
		for range 10 { // 10 requests in 10 s
			if took := enter(t, gate); took != 0 {
				t.Fatalf("waited %s before any refusal", took)
			}
			gate.OK()
			time.Sleep(time.Second)
		}
		const pause = 10 * time.Second
		gate.Throttled(time.Now(), pause)
		gate.Throttled(time.Now().Add(-time.Second), 0) // was in flight already, so it changes nothing
		if leave, rest, err := gate.Enter(t.Context(), pause-1); leave != nil || rest != pause || err != nil {
			t.Errorf("Enter = %s, %v; want to be told of the pause of %s", rest, err, pause)
		}
		// The first rate is that at which requests were served, the pause included: 10 in 20 s.
		const interval = 2 * time.Second
		if took := enter(t, gate); took < pause || took > pause+interval {
			t.Errorf("waited %s, want the pause of %s and at most %s more", took, pause, interval)
		}
		if took := enter(t, gate); took < interval/2 || took > interval*3/2 {
			t.Errorf("waited %s between requests, want %s ± half of it", took, interval)
		}
		for range 1000 { // each success adds 0.1 requests per second
			gate.OK()
		}
		enter(t, gate)
		if took := enter(t, gate); took > 15*time.Millisecond {
			t.Errorf("waited %s between requests after 1000 successes, want 10 ms at most", took)
		}
	})
}

func TestLongPauseIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pacer pace.Pacer
		pacer.Throttled(time.Now(), 365*24*time.Hour)
		if rest, err := pacer.Wait(t.Context(), time.Minute); rest != time.Hour || err != nil {
			t.Errorf("pause %s, %v; want an hour", rest, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if rest, err := pacer.Wait(ctx, 2*time.Hour); rest < time.Hour || err != nil {
			t.Errorf("pause %s, %v; want to be told at once, since the context ends before", rest, err)
		}
	})
}

// Package docs has no code: its tests run what the documentation shows, so that nothing in it can stop
// working without a failing test.
package docs

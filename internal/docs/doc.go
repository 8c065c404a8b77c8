// Package docs has no code: its tests run what the documents show, follow their links, and hold the
// catalogue of errors and the page of threats against the code, so that nothing in them can stop being
// true without a failing test.
package docs

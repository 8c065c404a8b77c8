// Package export kills and starves incremental exports of the command at random points, and compares what they wrote with the
// sandbox's own list.
package export

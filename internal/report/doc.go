// Package report sums up a stream of jobs and writes what it found for people: as an HTML file that
// needs nothing but itself, as Markdown, and as text for a terminal.
//
// [Collect] reads the jobs once and keeps sums, not jobs, so that a million of them fit in bounded
// memory. The [Summary] that it returns always writes the same bytes for the same jobs in
// the same order and the same [Options].
//
// What the words mean, here and in the reports:
//
//   - A backup is a job of type Backup. Audit backups are counted among the jobs only.
//   - A backup is good if its status is Finished. FinishedWithException is not good, since something
//     in it may be missing, and it is not failed either: it has a column of its own.
//   - The success rate is the share of good backups among those that are not in progress. A status
//     that this program does not know counts as not good.
//   - A job belongs to the time when it started, for that is how old the data in a backup are.
//   - Lost records are those that a job reports as failed, whatever its status.
//
// Reading jobs from the service, flags and exit codes are the command's; nothing of them is here.
package report

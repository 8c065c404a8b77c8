// Package d365backup is a client for the job information of AvePoint Cloud Backup for Dynamics 365:
// which backup, restore and other jobs ran, and how they ended.
//
// The folder is called wrapper and the package d365backup, so import it by name:
//
//	import d365backup "github.com/d365backup/d365backup/wrapper"
//
// New makes a [Client] from a data centre and the credentials of an app registered in AvePoint Online
// Services. [Client.Jobs] goes through every job that matches a [Query], [Client.Page] reads one page
// with the total, and [Client.Raw] is the generated client for what is missing here.
//
// # Errors
//
// Every error is an [*Error] with status, request id, host and attempt count; its kind is one of the
// Err variables, for errors.Is, but where the call's context ended it: then it wraps the context's
// error. Bad input is [ErrConfig], found before anything is sent. An answer that
// is no job list, such as a login page with status 200, is [ErrNotJobs] and never an empty list.
//
// # Retries
//
// GetJobs only reads, although version v1 uses POST, so that its requests are safe to repeat. They are,
// four attempts in all, where the status, the network or a truncated answer gives hope; [RetryPolicy]
// has the rules, and RetryPolicy{Attempts: 1} turns repeating off. Every attempt asks for a valid token
// anew. A token that the service refuses is replaced once.
//
// # Completeness
//
// Jobs gives every job that the service had from the beginning of the loop to its end, once, or ends in
// [ErrIncomplete] (or in the error that stopped it) after all that it got. The service hands out pages
// by number and offers no snapshot, so this takes evidence:
//
//   - The time range is fixed when the loop begins, so that all pages are asked for with one filter.
//   - Answers under one total are taken as views of one list. One under another total, whichever page
//     it is of, shows that the list moved: Jobs goes on from where the new list overlaps with what was
//     delivered, a bounded number of times.
//   - A job on a page that was also on one of the few pages before is dropped and counted: see
//     DriftPaging. It is the same if id, start and organization are; one without an id is never dropped.
//     Within a page none is, for the vendor's own sample has one id on several jobs.
//   - The page behind the last one is asked for, and the first page once more, to see a wrong total and
//     a list that moved under the same total.
//   - Pages that repeat, are short, are missing, or bring nothing new again and again end in
//     ErrIncomplete when a second reading does not mend them. nextLink is data: it is never followed.
//   - A list without a total, or with one that is too low, is read until two pages in a row are empty or
//     refused.
//
// What that cannot see: a deletion and a late arrival that cancel each other in the total between two
// answers, both behind the first page; in a list without a total, a deletion behind the first page, and
// what the last page lacks; a job that comes into pages already read. The time range's last minutes are
// where jobs arrive late. For certainty ask for smaller ranges: a range that fits on one page
// ([WithPageSize]) is one view of the list.
//
// # What is tolerated
//
// The documents leave the answer of version v1 open and releases differ, so that decoding is tolerant: both
// known envelopes and a bare list, words for numbers, unknown values and fields, malformed GUIDs.
// What was tolerated can be listened to with [WithDriftHandler]. To check payloads strictly against the
// contract, use package api.
//
// # What is not here
//
// The contract and its validator are in package api, the types of the wire and the raw client in
// package generated, a service to try things on in package sandbox.
package d365backup

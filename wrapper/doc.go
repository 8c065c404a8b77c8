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
// Every error is an [*Error], whose fields are facts: reason, status, request id, host, attempts. Its kind is one of the
// Err variables, for errors.Is, unless the call's context ended it: then it wraps the context's
// error. Its text adds what to try; [Error.Facts] leaves that out. Bad input is [ErrConfig], found before anything is sent. An answer that
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
// Jobs returns every job that the service had throughout the loop, once, or ends in [ErrIncomplete]
// after every job that it could read. The service returns pages by number and offers no snapshot, so
// Jobs compares the pages: their totals and lengths, the jobs on them, the page after the last one, and
// page 1 read again. If they contradict each other, it reads the list again, three times in all. A list
// that is shorter than a page ([WithPageSize]) takes one request.
//
// Two jobs are the same if id, organization, module and start are. Jobs on one page are never taken
// for the same, nor are jobs without an id.
//
// Nothing shows a deletion and an arrival that leave the total and page 1 as they were, a deletion
// after page 1 of a list without a total, the first page of such a list if the service counts pages
// from 0, or the rest of a list if the service reports the length of a capped or refused page as the
// total. Jobs that start while the loop runs may be missing.
//
// # What is tolerated
//
// The documents leave the response of version v1 open and releases differ, so decoding is tolerant: both
// known envelopes and a bare list, words for numbers, unknown values and fields, malformed GUIDs,
// placeholders for the finish time of a running job. [WithDriftHandler] reports what was tolerated. A report
// of a failure beside an empty list is [ErrNotJobs]. To check payloads strictly against the
// contract, use package api.
//
// # What is not here
//
// The contract and its validator are in package api, the types of the wire and the raw client in
// package generated, a service to try things on in package sandbox.
package d365backup

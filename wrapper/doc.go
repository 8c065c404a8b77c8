// Package d365backup is a client for the job information of AvePoint Cloud Backup for Dynamics 365: which backup, restore
// and other jobs ran, and how they ended.
//
// The folder is called wrapper and the package d365backup, so import it by name:
//
//	import d365backup "github.com/d365backup/d365backup/wrapper"
//
// New makes a [Client] from a data center and the credentials of an app registered in AvePoint Online Services.
// [Client.Jobs] iterates over every job that matches a [Query], [Client.Page] reads one page with the total, and
// [Client.Raw] is the generated client for everything else. Package sandbox is a service to experiment with.
//
// # Errors
//
// Every error is an [*Error], whose fields are facts: reason, status, request id, host, attempts. Its kind is one of the
// Err variables, for errors.Is, unless the call's context ended it: then it wraps the context's error. Its text adds what to
// try next; [Error.Facts] leaves that out. Invalid input is [ErrConfig] before anything is sent. A response that is not a
// list of jobs, such as a login page with status 200, is [ErrNotJobs] and never an empty list.
//
// # Retries
//
// A page is requested up to four times if the status, the network or a truncated response suggests that it may succeed
// later. [RetryPolicy] has the rules. Every attempt uses a valid token; one that the service rejects is replaced once.
//
// # Completeness
//
// Jobs returns every job that the service had throughout the loop, once, or ends in [ErrIncomplete] after every job that it
// could read. The service returns pages by number and offers no snapshot, so Jobs compares the pages: their totals and
// lengths, the jobs on them, the page after the last one, and page 1 read again. If they contradict each other, it reads the
// list again, three times in all. A list that is shorter than a page ([WithPageSize]) takes one request.
//
// Two jobs are the same if id, organization, module and start are. Jobs on one page are never considered the same, nor are
// jobs without an id.
//
// Some changes cannot be detected: a deletion and an addition that leave the total and page 1 unchanged; a deletion after
// page 1 of a list without a total; a job that, between two lists of a [Query] with several statuses, changes from one of them to
// another that was read before; the first page of such a list if the service counts pages from 0; the rest of a list if
// the service reports the length of a capped or refused page as the total. Jobs that start during the loop may be missing.
//
// # What is tolerated
//
// Version v1 does not document its response and releases differ, so decoding is tolerant: both known envelopes and a bare
// list, words for numbers, unknown values and fields, malformed GUIDs, placeholders for the finish time of a running job.
// [WithDriftHandler] reports what was tolerated. A failure report beside an empty list is [ErrNotJobs]. To check payloads
// strictly against the contract, use package api.
package d365backup

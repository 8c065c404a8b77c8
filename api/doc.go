// Package api makes the contract, openapi.yaml, available at run time.
//
// [Load] returns the document, and [JSON] its text. [ValidateRequest], [ValidateQuery] and
// [ValidateResponse] validate stored payloads. [Handler] protects a server, and [Transport] observes the
// traffic of any [net/http.Client].
//
// Whatever violates the contract is reported as [Violations]: sorted, and all of them up to a limit. Each has
// its place, the keyword, what was found, what the contract requires, and which document requires it there:
// the vendor's page that this project implements (seed), the vendor's OpenAPI description before it (earlier),
// a later page (later), or none (inferred). If the documents contradict each other there, a hint explains the
// ruling. This package never changes a payload.
//
// The validation is stricter than that of a schema: a body must be one JSON value in UTF-8 with nothing after
// it; an object must not repeat a key; numbers keep their digits; formats are enforced; an unknown query
// parameter is a violation; and a media type may match a range of the contract, such as
// application/vnd.example+json for application/*+json.
//
// Headers other than Content-Type are not validated, nor is authentication.
//
// This is the only package that imports kin-openapi, and it changes nothing global there. Clients do not need
// this package and do not link it. All functions are safe for concurrent use.
package api

// Package api is the contract, openapi.yaml, at run time.
//
// [Load] returns the document, [JSON] its text. [ValidateRequest], [ValidateQuery] and
// [ValidateResponse] validate stored payloads, [Handler] guards a server, and [Transport] watches the
// traffic of any [net/http.Client].
//
// What breaks the contract is reported as [Violations]: all of them up to a bound, sorted, each with its
// place, the keyword, what was found, what the contract says, and which document says so in that place:
// the vendor's page that this project implements (seed), the vendor's OpenAPI description before it
// (earlier), a later page (later), or none (inferred). If the documents contradict each other there, a
// hint states the ruling. Nothing here ever changes a payload.
//
// The checks are stricter than a plain schema visit: a text must be one JSON value in UTF-8 without
// anything behind it; an object must not name a key twice; numbers keep their digits; formats are
// enforced; an unknown query parameter is a violation; and every media type of the contract is
// understood, also a concrete one such as application/vnd.example+json for application/*+json.
//
// What is not checked: headers besides Content-Type, and authentication.
//
// It is the only package that imports kin-openapi, and changes nothing global in it. Clients do not
// need it and do not link it. Everything here may be used by several goroutines at once.
package api

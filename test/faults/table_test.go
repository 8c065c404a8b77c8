package faults_test

import (
	"crypto/tls"
	"strings"
)

// fault is something that goes wrong between the client and the service, and what comes of it.
type fault struct {
	name  string
	place place
	lasts bool // it takes time, so that attempts end early for its sake
	// passes is what comes of it where the first request meets it, stays where each does.
	passes, stays cells
	over2         *fault // what differs over HTTP/2; nil: nothing
	only1         bool   // HTTP/2 cannot have this fault
}

// overHTTP2 is the fault as it is over HTTP/2.
func (f fault) overHTTP2() fault {
	if f.over2 == nil {
		return f
	}
	other := *f.over2
	other.name, other.lasts = f.name, f.lasts
	if other.place == nil {
		other.place = f.place
	}
	if other.stays == (cells{}) {
		other.passes, other.stays = f.passes, f.stays
	}
	return other
}

// but says what differs over HTTP/2.
func (f fault) but(other fault) fault {
	f.over2 = &other
	return f
}

// notOverHTTP2 marks a fault that HTTP/2 cannot have.
func (f fault) notOverHTTP2() fault {
	f.only1 = true
	return f
}

const (
	good  = "complete after 1 attempt"
	again = "complete after 2 attempts"
)

// harmless is the outcome of a fault that nothing comes of.
var harmless = cells{good, "complete", good}

// retried is the outcome of a fault that has passed when the request is repeated.
var retried = cells{again, "complete", again}

// alike is the outcome of a fault that is the same for pages and tokens, and on the third page of a sweep.
func alike(outcome string) cells { return cells{outcome, "2 of 5 pages, then " + outcome, outcome} }

// final is that of a fault after which nothing is repeated: it makes no difference whether it passes.
func (f fault) final(outcome cells) fault {
	f.passes, f.stays = outcome, outcome
	return f
}

// hopeful is that of a fault after which the request is repeated.
func (f fault) hopeful(outcome cells) fault {
	f.passes, f.stays = retried, outcome
	if outcome.page == "" {
		f.passes = cells{token: again}
	}
	return f
}

// unlike is that of a fault for which neither is true.
func (f fault) unlike(passes, stays cells) fault {
	f.passes, f.stays = passes, stays
	return f
}

// forToken changes the outcome of token requests.
func (c cells) forToken(outcome string) cells {
	c.token = outcome
	return c
}

// slow marks a fault that takes time.
func (f fault) slow() fault {
	f.lasts = true
	return f
}

// nested is JSON that costs a careless decoder its stack.
var nested = strings.Repeat("[", 100000)

func a(name string, place place) fault { return fault{name: name, place: place} }

type values = map[string]any

// table has every fault with its outcome, in the document's order.
var table = []struct {
	title, text string
	faults      []fault
}{
	{"The network", "Toxiproxy stands between client and service. Over HTTP/2 it sees TLS, and cuts it off in the handshake.", []fault{
		a("every packet comes 20 ms late, give or take 10", toxic("latency", values{"latency": 20, "jitter": 10})).final(harmless),
		a("answers come in slices of 64 bytes", toxic("slicer", values{"average_size": 64, "size_variation": 32, "delay": 10})).final(harmless),
		a("connections close 200 ms late", toxic("slow_close", values{"delay": 200})).final(harmless),
		a("answers come later than an attempt may last", toxic("latency", values{"latency": 2500})).slow().hopeful(alike("ErrNetwork after 4 attempts")),
		a("answers come at 4 KB/s", toxic("bandwidth", values{"rate": 4})).slow().unlike(
			retried.forToken(""), alike("ErrNetwork after 4 attempts").forToken("")), // a token's answer is too small to be late
		a("requests get lost", toxicRequest("timeout", values{"timeout": 0})).slow().hopeful(alike("ErrNetwork after 4 attempts")),
		a("answers get lost", toxic("timeout", values{"timeout": 0})).slow().hopeful(alike("ErrNetwork after 4 attempts")),
		a("answers get lost, then the connection closes", toxic("timeout", values{"timeout": 50})).hopeful(alike("ErrNetwork after 4 attempts")),
		a("the connection is reset on the request", toxicRequest("reset_peer", values{"timeout": 0})).hopeful(alike("ErrNetwork after 4 attempts")),
		a("the connection is reset on the answer", toxic("reset_peer", values{"timeout": 0})).hopeful(alike("ErrNetwork after 4 attempts")),
		a("the answer is cut off in its header", toxic("limit_data", values{"bytes": 100})).hopeful(alike("ErrNetwork after 4 attempts")),
		a("the answer is cut off in its body", toxic("limit_data", values{"bytes": 300})).hopeful(alike("ErrTruncated (200) after 4 attempts")).but(fault{}.hopeful(alike("ErrNetwork after 4 attempts"))),
		a("the proxy is down, and comes up again", down).hopeful(alike("ErrNetwork after 4 attempts")),
	}},
	{"The server's protocol", "A scripted server stands in for the service.", []fault{
		a("the connection closes without an answer", writes("")).hopeful(alike("ErrNetwork after 4 attempts")),
		a("the answer is no HTTP", writes(notHTTP)).hopeful(alike("ErrNetwork after 4 attempts")).but(fault{place: rawHTTP2(garble)}),
		a("the answer is what was sent", scripted(parrot)).hopeful(alike("ErrNetwork after 4 attempts")).but(fault{place: rawHTTP2(mirror)}),
		a("nothing is answered", stops("")).slow().hopeful(alike("ErrNetwork after 4 attempts")),
		a("the answer stops in its header", stops(head+"X-Half")).slow().hopeful(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
		a("the header comes byte by byte, without an end", scripted(trickle)).slow().hopeful(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
		a("the answer stops in its body", stops(head+"Content-Length: 1000\r\n\r\n{\"totalCount\"")).slow().hopeful(alike("ErrNetwork after 4 attempts")),
		a("the body is shorter than its length", writes(head+"Content-Length: 1000\r\n\r\n{\"totalCount\"")).hopeful(alike("ErrTruncated (200) after 4 attempts")),
		a("the body ends within a chunk", writes(head+"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tot")).hopeful(alike("ErrTruncated (200) after 4 attempts")).notOverHTTP2(),
		a("the body ends within its JSON", writes(head+"Connection: close\r\n\r\n{\"totalCount\":0,")).hopeful(alike("ErrTruncated (200) after 4 attempts")),
		a("the chunks are garbage", writes(head+"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}")).hopeful(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
		a("the header has 500 fields of 1 KB", manyFields(500)).final(harmless),
		a("the header has no end", scripted(endlessHeader)).hopeful(alike("ErrNetwork after 4 attempts")).but(fault{place: manyFields(1200)}),
		a("the header gives two lengths", writes(head+"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")).hopeful(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
	}},
	{"Statuses", "", []fault{
		a("400", says(400, jsonType, `{"message":"bad page size"}`)).unlike(noPage("ErrBadRequest (400) after 1 attempt", "ErrAuth (400) after 1 attempt")),
		a("401", says(401, "", "")).unlike(harmless.forToken("ErrAuth (401) after 1 attempt"), alike("ErrAuth (401) after 1 attempt")),
		a("403, HTML", says(403, htmlType, loginPage)).final(alike("ErrForbidden (403) after 1 attempt").forToken("ErrAuth (403) after 1 attempt")),
		a("404", says(404, "", "")).unlike(noPage("ErrNotFound (404) after 1 attempt", "ErrAuth (404) after 1 attempt")),
		a("408", says(408, "", "")).hopeful(alike("ErrServer (408) after 4 attempts")),
		a("429", says(429, "", "")).hopeful(alike("ErrThrottled (429) after 4 attempts")),
		a("429, Retry-After 1 s", says(429, "", "", "Retry-After", "1")).unlike(
			harmless, alike("ErrThrottled (429, retry after 1s) after 1 attempt")), // a sweep reads its pages within one time limit each
		a("429, Retry-After an hour", says(429, "", "", "Retry-After", "3600")).final(alike("ErrThrottled (429, retry after 1h0m0s) after 1 attempt")),
		a("500", says(500, jsonType, `{"statusCode":500,"message":"database is gone"}`)).hopeful(alike("ErrServer (500) after 4 attempts")),
		a("501", says(501, "", "")).final(alike("ErrServer (501) after 1 attempt")),
		a("502, HTML", says(502, htmlType, "<html>Bad gateway</html>")).hopeful(alike("ErrServer (502) after 4 attempts")),
		a("503, Retry-After a date that is past", says(503, "", "", "Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")).hopeful(alike("ErrServer (503) after 4 attempts")),
		a("504", says(504, "", "")).hopeful(alike("ErrServer (504) after 4 attempts")),
		a("redirect to another host", says(302, "", "", "Location", "https://example.invalid/login")).final(alike("ErrRedirect (302) after 1 attempt")),
		a("redirect to nowhere", says(307, "", "")).final(alike("ErrRedirect (307) after 1 attempt")),
		a("204", says(204, "", "")).final(alike("ErrNotJobs (204) after 1 attempt").forToken("ErrAuth (204) after 1 attempt")),
	}},
	{"Bodies with status 200", "", []fault{
		a("a login page", says(200, htmlType, loginPage)).final(notJobs),
		a("a login page that calls itself JSON", says(200, jsonType, loginPage)).final(notJobs),
		a("nothing", says(200, jsonType, "")).final(notJobs),
		a("an empty object", says(200, jsonType, "{}")).final(notJobs),
		a("an error object", says(200, jsonType, `{"statusCode":500,"message":"database is gone"}`)).final(notJobs),
		a("numbers in place of lists and texts", says(200, jsonType, `{"totalCount":"many","jobs":7,"access_token":7}`)).final(notJobs),
		a("JSON with garbage behind", says(200, jsonType, `{"totalCount":0,"jobs":[],"access_token":"t"}garbage`)).final(notJobs),
		a("random bytes", says(200, jsonType, "\x00\xff\x13\x37\xc0\xde")).final(notJobs),
		a("lists in lists, 100,000 deep", says(200, jsonType, nested)).final(notJobs),
		a("gzip", compressed(unchanged)).final(harmless),
		a("gzip, damaged", compressed(damaged)).hopeful(alike("ErrNetwork after 4 attempts")),
		a("gzip, cut in half", compressed(half)).hopeful(alike("ErrTruncated (200) after 4 attempts")),
		a("plain text that calls itself gzip", says(200, jsonType, loginPage, "Content-Encoding", "gzip")).hopeful(alike("ErrNetwork after 4 attempts")),
		a("64 MiB", scripted(endless)).final(alike("ErrTooLarge (200) after 1 attempt")),
		a("64 MiB, made small by gzip", scripted(gzipBomb)).final(alike("ErrTooLarge (200) after 1 attempt")),
		a("a terabyte, announced", writes(head+"Content-Length: 1099511627776\r\n\r\n")).final(alike("ErrTooLarge (200) after 1 attempt")),
	}},
	{"Answers that quote secrets", "The server repeats all that it was sent: the token, or the secret.", []fault{
		a("with 200", echoes(200)).final(notJobs),
		a("with 302", echoes(302)).final(alike("ErrRedirect (302) after 1 attempt")),
		a("with 400", echoes(400)).unlike(noPage("ErrBadRequest (400) after 1 attempt", "ErrAuth (400) after 1 attempt")),
		a("with 503", echoes(503)).hopeful(alike("ErrServer (503) after 4 attempts")),
	}},
	{"TLS", "", []fault{
		a("the handshake never ends", silentTLS).slow().hopeful(alike("ErrNetwork after 4 attempts")),
		a("the certificate is nobody's", tlsTo(&tls.Config{})).final(alike("ErrNetwork after 1 attempt")),
		a("TLS 1.1 and nothing newer", tlsTo(&tls.Config{MaxVersion: tls.VersionTLS11})).final(alike("ErrNetwork after 1 attempt")),
		a("the server does not speak TLS", tlsTo(nil)).final(alike("ErrNetwork after 1 attempt")),
	}},
	{"Token answers", "", []fault{
		a("the credentials are refused", says(401, jsonType, `{"error":"invalid_client"}`)).final(cells{token: "ErrAuth (401) after 1 attempt"}),
		a("the scope is refused", says(400, jsonType, `{"error":"invalid_scope"}`)).final(cells{token: "ErrAuth (400) after 1 attempt"}),
		a("the endpoint is busy", says(400, jsonType, `{"error":"temporarily_unavailable"}`)).hopeful(cells{token: "ErrServer (400) after 4 attempts"}),
		a("a token of another type", says(200, jsonType, `{"access_token":"t","token_type":"mac"}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
		a("a token for another scope", says(200, jsonType, `{"access_token":"t","scope":"openid"}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
		a("a token that has expired", says(200, jsonType, `{"access_token":"t","expires_in":-1}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
		a("a token with a line break", says(200, jsonType, `{"access_token":"t\r\nX-Injected: 1"}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
	}},
}

// noPage is the outcome of a refusal that may mean that there is no such page: Jobs reads the list again, and
// reads the pages after it.
func noPage(page, token string) (passes, stays cells) {
	kind, _, _ := strings.Cut(page, " ")
	return cells{page, "complete", token}, cells{page, "4 of 5 pages, then " + kind + "+ErrIncomplete", token}
}

// notJobs is the outcome of an answer that is something else.
var notJobs = alike("ErrNotJobs (200) after 1 attempt").forToken("ErrAuth (200) after 1 attempt")

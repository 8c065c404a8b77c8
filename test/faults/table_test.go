package faults_test

import (
	"crypto/tls"
	"strings"
)

// fault is something that goes wrong between the client and the service, with its outcomes.
type fault struct {
	name  string
	place place
	lasts bool // it takes time, so the timeout of attempts is short
	// passes is the outcome if the fault affects the first request only, stays if it affects every request.
	passes, stays cells
	over2         *fault // what differs over HTTP/2; nil: nothing
	only1         bool   // HTTP/2 cannot have this fault
}

// overHTTP2 returns the fault with its outcomes over HTTP/2.
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

// differsOverHTTP2 sets what differs over HTTP/2.
func (f fault) differsOverHTTP2(other fault) fault {
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

// harmless is the outcome of a fault without an effect.
var harmless = cells{good, "complete", good}

// retried is the outcome of a fault that is over when the request is retried.
var retried = cells{again, "complete", again}

// alike is an outcome that is the same for pages, tokens and the third page of a sweep.
func alike(outcome string) cells { return cells{outcome, "2 of 5 pages, then " + outcome, outcome} }

// final sets the outcome of a fault that is not retried: it makes no difference whether it passes.
func (f fault) final(outcome cells) fault {
	f.passes, f.stays = outcome, outcome
	return f
}

// transient sets the outcome of a fault after which the request is retried.
func (f fault) transient(outcome cells) fault {
	f.passes, f.stays = retried, outcome
	if outcome.page == "" {
		f.passes = cells{token: again}
	}
	return f
}

// outcomes sets the outcomes of any other fault.
func (f fault) outcomes(passes, stays cells) fault {
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

// nested is JSON that overflows the stack of a careless decoder.
var nested = strings.Repeat("[", 100000)

func a(name string, place place) fault { return fault{name: name, place: place} }

type values = map[string]any

// table has every fault with its outcome, in the document's order.
var table = []struct {
	title, text string
	faults      []fault
}{
	{"The network", "Toxiproxy runs between client and service. Over HTTP/2 it handles TLS data, and cuts it off in the handshake.", []fault{
		a("every packet is 20 ms late, give or take 10", toxic("latency", values{"latency": 20, "jitter": 10})).final(harmless),
		a("responses arrive in slices of 64 bytes", toxic("slicer", values{"average_size": 64, "size_variation": 32, "delay": 10})).final(harmless),
		a("connections close 200 ms late", toxic("slow_close", values{"delay": 200})).final(harmless),
		a("responses arrive after the timeout of an attempt", toxic("latency", values{"latency": 2500})).slow().transient(alike("ErrNetwork after 4 attempts")),
		a("responses arrive at 4 KB/s", toxic("bandwidth", values{"rate": 4})).slow().outcomes(
			retried.forToken(""), alike("ErrNetwork after 4 attempts").forToken("")), // a token response is too small to be late
		a("requests are lost", toxicRequest("timeout", values{"timeout": 0})).slow().transient(alike("ErrNetwork after 4 attempts")),
		a("responses are lost", toxic("timeout", values{"timeout": 0})).slow().transient(alike("ErrNetwork after 4 attempts")),
		a("responses are lost, then the connection closes", toxic("timeout", values{"timeout": 50})).transient(alike("ErrNetwork after 4 attempts")),
		a("the connection is reset on the request", toxicRequest("reset_peer", values{"timeout": 0})).transient(alike("ErrNetwork after 4 attempts")),
		a("the connection is reset on the response", toxic("reset_peer", values{"timeout": 0})).transient(alike("ErrNetwork after 4 attempts")),
		a("the response is cut off in its header", toxic("limit_data", values{"bytes": 100})).transient(alike("ErrNetwork after 4 attempts")),
		a("the response is cut off in its body", toxic("limit_data", values{"bytes": 300})).transient(alike("ErrTruncated (200) after 4 attempts")).differsOverHTTP2(fault{}.transient(alike("ErrNetwork after 4 attempts"))),
		a("the proxy is down, and comes up again", down).transient(alike("ErrNetwork after 4 attempts")),
	}},
	{"The server's protocol", "A scripted server replaces the service.", []fault{
		a("the connection closes without a response", writes("")).transient(alike("ErrNetwork after 4 attempts")),
		a("the response is not HTTP", writes(notHTTP)).transient(alike("ErrNetwork after 4 attempts")).differsOverHTTP2(fault{place: rawHTTP2(garble)}),
		a("the response repeats what was sent", scripted(rawEcho)).transient(alike("ErrNetwork after 4 attempts")).differsOverHTTP2(fault{place: rawHTTP2(mirror)}),
		a("there is no response", stops("")).slow().transient(alike("ErrNetwork after 4 attempts")),
		a("the response stops in its header", stops(head+"X-Half")).slow().transient(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
		a("the header arrives byte by byte, without an end", scripted(trickle)).slow().transient(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
		a("the response stops in its body", stops(head+"Content-Length: 1000\r\n\r\n{\"totalCount\"")).slow().transient(alike("ErrNetwork after 4 attempts")),
		a("the body is shorter than its length", writes(head+"Content-Length: 1000\r\n\r\n{\"totalCount\"")).transient(alike("ErrTruncated (200) after 4 attempts")),
		a("the body ends within a chunk", writes(head+"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tot")).transient(alike("ErrTruncated (200) after 4 attempts")).notOverHTTP2(),
		a("the body ends within its JSON", writes(head+"Connection: close\r\n\r\n{\"totalCount\":0,")).transient(alike("ErrTruncated (200) after 4 attempts")),
		a("the chunks are garbage", writes(head+"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}")).transient(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
		a("the header has 500 fields of 1 KB", manyFields(500)).final(harmless),
		a("the header has no end", scripted(endlessHeader)).transient(alike("ErrNetwork after 4 attempts")).differsOverHTTP2(fault{place: manyFields(1200)}),
		a("the header gives two lengths", writes(head+"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")).transient(alike("ErrNetwork after 4 attempts")).notOverHTTP2(),
	}},
	{"Statuses", "", []fault{
		a("400", responds(400, jsonType, `{"message":"bad page size"}`)).outcomes(noPage("ErrBadRequest (400) after 1 attempt", "ErrAuth (400) after 1 attempt")),
		a("401", responds(401, "", "")).outcomes(harmless.forToken("ErrAuth (401) after 1 attempt"), alike("ErrAuth (401) after 1 attempt")),
		a("403, HTML", responds(403, htmlType, loginPage)).final(alike("ErrForbidden (403) after 1 attempt").forToken("ErrAuth (403) after 1 attempt")),
		a("404", responds(404, "", "")).outcomes(noPage("ErrNotFound (404) after 1 attempt", "ErrAuth (404) after 1 attempt")),
		a("408", responds(408, "", "")).transient(alike("ErrServer (408) after 4 attempts")),
		a("429", responds(429, "", "")).transient(alike("ErrThrottled (429) after 4 attempts")),
		// Waiting uses up no attempt, so the time limit ends it.
		a("429, Retry-After 1 s", responds(429, "", "", "Retry-After", "1")).transient(alike("ErrThrottled (429, retry after 1s) after several attempts")),
		a("429, Retry-After an hour", responds(429, "", "", "Retry-After", "3600")).final(alike("ErrThrottled (429, retry after 1h0m0s) after 1 attempt")),
		a("500", responds(500, jsonType, `{"statusCode":500,"message":"database is gone"}`)).transient(alike("ErrServer (500) after 4 attempts")),
		a("501", responds(501, "", "")).final(alike("ErrServer (501) after 1 attempt")),
		a("502, HTML", responds(502, htmlType, "<html>Bad gateway</html>")).transient(alike("ErrServer (502) after 4 attempts")),
		a("503, Retry-After a date in the past", responds(503, "", "", "Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")).transient(alike("ErrServer (503) after 4 attempts")),
		a("504", responds(504, "", "")).transient(alike("ErrServer (504) after 4 attempts")),
		a("redirect to another host", responds(302, "", "", "Location", "https://example.invalid/login")).final(alike("ErrRedirect (302) after 1 attempt")),
		a("redirect to nowhere", responds(307, "", "")).final(alike("ErrRedirect (307) after 1 attempt")),
		a("204", responds(204, "", "")).final(alike("ErrNotJobs (204) after 1 attempt").forToken("ErrAuth (204) after 1 attempt")),
	}},
	{"Bodies with status 200", "", []fault{
		a("a login page", responds(200, htmlType, loginPage)).final(notJobs),
		a("a login page that calls itself JSON", responds(200, jsonType, loginPage)).final(notJobs),
		a("nothing", responds(200, jsonType, "")).final(notJobs),
		a("an empty object", responds(200, jsonType, "{}")).final(notJobs),
		a("an error object", responds(200, jsonType, `{"statusCode":500,"message":"database is gone"}`)).final(notJobs),
		a("numbers instead of lists and strings", responds(200, jsonType, `{"totalCount":"many","jobs":7,"access_token":7}`)).final(notJobs),
		a("JSON with garbage after it", responds(200, jsonType, `{"totalCount":0,"jobs":[],"access_token":"t"}garbage`)).final(notJobs),
		a("random bytes", responds(200, jsonType, "\x00\xff\x13\x37\xc0\xde")).final(notJobs),
		a("lists in lists, 100,000 deep", responds(200, jsonType, nested)).final(notJobs),
		a("gzip", compressed(unchanged)).final(harmless),
		a("gzip, damaged", compressed(damaged)).transient(alike("ErrNetwork after 4 attempts")),
		a("gzip, cut in half", compressed(half)).transient(alike("ErrTruncated (200) after 4 attempts")),
		a("plain text that calls itself gzip", responds(200, jsonType, loginPage, "Content-Encoding", "gzip")).transient(alike("ErrNetwork after 4 attempts")),
		a("64 MiB", scripted(endless)).final(alike("ErrTooLarge (200) after 1 attempt")),
		a("64 MiB, compressed", scripted(gzipBomb)).final(alike("ErrTooLarge (200) after 1 attempt")),
		a("a terabyte, announced", writes(head+"Content-Length: 1099511627776\r\n\r\n")).final(alike("ErrTooLarge (200) after 1 attempt")),
	}},
	{"Responses that quote secrets", "The server repeats everything that it was sent: the token or the secret.", []fault{
		a("with 200", echoes(200)).final(notJobs),
		a("with 302", echoes(302)).final(alike("ErrRedirect (302) after 1 attempt")),
		a("with 400", echoes(400)).outcomes(noPage("ErrBadRequest (400) after 1 attempt", "ErrAuth (400) after 1 attempt")),
		a("with 503", echoes(503)).transient(alike("ErrServer (503) after 4 attempts")),
	}},
	{"TLS", "", []fault{
		a("the handshake never ends", silentTLS).slow().transient(alike("ErrNetwork after 4 attempts")),
		a("the certificate is not trusted", tlsTo(&tls.Config{})).final(alike("ErrNetwork after 1 attempt")),
		a("TLS 1.1 and nothing newer", tlsTo(&tls.Config{MaxVersion: tls.VersionTLS11})).final(alike("ErrNetwork after 1 attempt")),
		a("the server does not speak TLS", tlsTo(nil)).final(alike("ErrNetwork after 1 attempt")),
	}},
	{"Token responses", "", []fault{
		a("the credentials are refused", responds(401, jsonType, `{"error":"invalid_client"}`)).final(cells{token: "ErrAuth (401) after 1 attempt"}),
		a("the scope is refused", responds(400, jsonType, `{"error":"invalid_scope"}`)).final(cells{token: "ErrAuth (400) after 1 attempt"}),
		a("the endpoint is busy", responds(400, jsonType, `{"error":"temporarily_unavailable"}`)).transient(cells{token: "ErrServer (400) after 4 attempts"}),
		a("a token of another type", responds(200, jsonType, `{"access_token":"t","token_type":"mac"}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
		a("a token for another scope", responds(200, jsonType, `{"access_token":"t","scope":"openid"}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
		a("a token that has expired", responds(200, jsonType, `{"access_token":"t","expires_in":-1}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
		a("a token with a line break", responds(200, jsonType, `{"access_token":"t\r\nX-Injected: 1"}`)).final(cells{token: "ErrAuth (200) after 1 attempt"}),
	}},
}

// noPage returns the outcomes of a refusal that may mean that there is no such page: Jobs then reads the list again,
// and the pages after the refused one.
func noPage(page, token string) (passes, stays cells) {
	kind, _, _ := strings.Cut(page, " ")
	return cells{page, "complete", token}, cells{page, "4 of 5 pages, then " + kind + "+ErrIncomplete", token}
}

// notJobs is the outcome of a response that is not a list of jobs.
var notJobs = alike("ErrNotJobs (200) after 1 attempt").forToken("ErrAuth (200) after 1 attempt")

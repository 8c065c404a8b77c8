package api

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Handler protects next: it responds to a request that violates the contract with status 400 and the
// contract's Error with the first hundred violations, without calling next. It also validates each response
// of next. It calls report for each message that violates the contract; for a response, after it was sent
// unchanged. The goroutine that serves the request calls report, so several may call it at once. If report is
// nil, invalid requests are refused, and responses are not reported.
//
// The method and the end of the path determine the operation of a request. A request that matches no operation is
// passed to next, and its response is not validated. A request with a body over [DefaultMaxBytes] gets status 413. A
// response over it, an encoded one (Content-Encoding), and one on a hijacked connection are not validated.
//
// The [http.ResponseWriter] that next receives for an operation is an [http.Flusher] and an [http.Hijacker],
// and an [http.ResponseController] finds whatever else the server's own can do.
func Handler(next http.Handler, report func(Report)) http.Handler {
	c, err := load()
	if err != nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, http.StatusInternalServerError, err.Error(), nil)
		})
	}
	return c.handler(next, report)
}

func (c *contract) handler(next http.Handler, report func(Report)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := c.find(r.Method, r.URL.Path)
		if o == nil {
			next.ServeHTTP(w, r)
			return
		}
		body, whole, same := peek(r.Body, DefaultMaxBytes)
		switch {
		case len(body) > DefaultMaxBytes:
			refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", DefaultMaxBytes), nil)
			return
		case !whole:
			refuse(w, http.StatusBadRequest, "the body is truncated", nil)
			return
		}
		if found := o.validateRequest(r, body).sorted(); len(found) > 0 {
			o.send(report, 0, found)
			message := found[0].String()
			if len(found) > 1 {
				message += fmt.Sprintf(", and %d more", len(found)-1)
			}
			refuse(w, http.StatusBadRequest, message, found)
			return
		}
		validated := r.WithContext(r.Context()) // the server's request remains unchanged
		validated.Body = same
		rec := &recorder{ResponseWriter: w}
		next.ServeHTTP(rec, validated)
		rec.sent(http.StatusOK) // the server sends it if next sent nothing
		if !rec.hijacked && !rec.overflow {
			o.send(report, rec.status, o.validateResponse(rec.status, rec.header, rec.body.Bytes()))
		}
	})
}

// maxRefused limits the violations in a response, which could otherwise be much longer than its request.
const maxRefused = 100

// refuse sends the contract's Error.
func refuse(w http.ResponseWriter, status int, message string, found Violations) {
	var id [16]byte
	rand.Read(id[:]) // never fails
	requestID := hex.EncodeToString(id[:])
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", requestID)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // fails only if the client has gone
		"statusCode": status, "message": message, "errors": found[:min(len(found), maxRefused)], "requestId": requestID,
	})
}

// recorder records the response.
type recorder struct {
	http.ResponseWriter
	status   int         // 0 until it is sent
	header   http.Header // as sent
	body     bytes.Buffer
	overflow bool
	hijacked bool
}

// sent records the first status that is not informational, and the header, which may change later.
func (r *recorder) sent(status int) {
	if r.status == 0 && status >= 200 {
		r.status, r.header = status, r.Header().Clone()
	}
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.sent(status)
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) {
	r.sent(http.StatusOK)
	n, err := r.ResponseWriter.Write(p)
	if r.overflow = r.overflow || r.body.Len()+n > DefaultMaxBytes; r.overflow {
		r.body = bytes.Buffer{}
	} else {
		r.body.Write(p[:n])
	}
	return n, err
}

// Flush implements [http.Flusher].
func (r *recorder) Flush() { _ = r.FlushError() }

// FlushError is what [http.ResponseController] calls instead.
func (r *recorder) FlushError() error {
	err := http.NewResponseController(r.ResponseWriter).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		r.sent(http.StatusOK)
	}
	return err
}

// Hijack implements [http.Hijacker].
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	r.hijacked = r.hijacked || err == nil
	return conn, rw, err
}

// Unwrap implements the interface that [http.ResponseController] uses.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

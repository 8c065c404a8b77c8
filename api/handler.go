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
	"strconv"
)

// Handler guards next: a request that breaks the contract gets an answer of status 400 in the
// contract's Error form, with the first hundred violations, and does not reach next; and every answer
// of next is checked. Each message that breaks the contract is told to report; an answer is told after
// it was sent, and goes out as next made it. report is called by the goroutine that serves the request,
// so by several at once. With a nil report bad requests are refused all the same, and nothing is told
// of answers.
//
// A request belongs to an operation by its method and the end of its path. One that belongs to none
// goes to next, and its answer is not checked. A request with a body over [DefaultMaxBytes] gets
// status 413; an answer over it, an encoded one (Content-Encoding), and one on a hijacked
// connection are not checked.
//
// The [http.ResponseWriter] that next gets for an operation is an [http.Flusher] and an [http.Hijacker],
// and an [http.ResponseController] finds what else the server's own can do.
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
		if !whole {
			refuseUnread(w, len(body))
			return
		}
		if found := o.checkRequest(r, body).sorted(); len(found) > 0 {
			tell(report, o, 0, found)
			refuse(w, http.StatusBadRequest, summary(found), found)
			return
		}
		checked := r.WithContext(r.Context()) // the server's request stays as it is
		checked.Body = same
		rec := &recorder{ResponseWriter: w}
		next.ServeHTTP(rec, checked)
		rec.send(http.StatusOK) // what the server does for a handler that sent nothing
		if !rec.hijacked && !rec.overflow {
			tell(report, o, rec.status, o.checkAnswer(rec.status, rec.header, rec.body.Bytes()))
		}
	})
}

// refuseUnread answers a request whose body could not be read to its end.
func refuseUnread(w http.ResponseWriter, read int) {
	if read > DefaultMaxBytes {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", DefaultMaxBytes), nil)
		return
	}
	refuse(w, http.StatusBadRequest, "the body could not be read to its end", nil)
}

func summary(found Violations) string {
	if len(found) == 1 {
		return found[0].String()
	}
	return found[0].String() + ", and " + strconv.Itoa(len(found)-1) + " more"
}

// maxRefused bounds the violations in an answer, which could else be much longer than its request.
const maxRefused = 100

// refuse answers in the contract's Error form.
func refuse(w http.ResponseWriter, status int, message string, found Violations) {
	var id [16]byte
	rand.Read(id[:]) // never fails
	answer := struct {
		StatusCode int        `json:"statusCode"`
		Message    string     `json:"message"`
		Errors     Violations `json:"errors"`
		RequestID  string     `json:"requestId"`
	}{status, message, found[:min(len(found), maxRefused)], hex.EncodeToString(id[:])}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", answer.RequestID)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // an error means that the client is gone
}

// recorder keeps what goes out.
type recorder struct {
	http.ResponseWriter
	status   int         // 0 as long as nothing was sent
	header   http.Header // as it was sent
	overflow bool
	hijacked bool
	body     bytes.Buffer
}

// send notes the status and the header that go out. Informational answers are not the answer, and what
// is set after it does not count.
func (r *recorder) send(status int) {
	if r.status == 0 && status >= 200 {
		r.status, r.header = status, r.Header().Clone()
	}
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.send(status)
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) {
	r.send(http.StatusOK)
	n, err := r.ResponseWriter.Write(p)
	if r.body.Len()+n > DefaultMaxBytes {
		r.overflow = true
		r.body = bytes.Buffer{}
	}
	if !r.overflow {
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
		r.send(http.StatusOK)
	}
	return err
}

// Hijack implements [http.Hijacker].
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	r.hijacked = r.hijacked || err == nil
	return conn, rw, err
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

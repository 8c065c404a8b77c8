package faults_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

const (
	jsonType  = "application/json"
	htmlType  = "text/html; charset=utf-8"
	loginPage = "<!DOCTYPE html><html><title>Sign in</title><body>Sign in to go on</body></html>"
	// head is the beginning of a raw response.
	head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
)

// responds sends this status, media type and body. More has the names and values of further header fields.
func responds(status int, mediaType, body string, more ...string) place {
	return scripted(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header()["Content-Type"] = nil
		if mediaType != "" {
			w.Header().Set("Content-Type", mediaType)
		}
		for i := 0; i < len(more); i += 2 {
			w.Header().Set(more[i], more[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// writes sends these bytes and closes the connection.
func writes(text string) place {
	return scripted(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if r.ProtoMajor == 2 {
			replay(w, text)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	})
}

// replay sends a raw response over HTTP/2. It resets the stream if the response has no complete header.
func replay(w http.ResponseWriter, text string) {
	fields, body, ok := strings.Cut(text, "\r\n\r\n")
	if !ok {
		panic(http.ErrAbortHandler)
	}
	for _, field := range strings.Split(fields, "\r\n")[1:] {
		name, value, _ := strings.Cut(field, ": ")
		w.Header().Set(name, value)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, body)
	_ = http.NewResponseController(w).Flush()
}

// stops sends these bytes and then nothing more, until the client disconnects.
func stops(text string) place {
	return scripted(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if r.ProtoMajor == 2 {
			if text != "" {
				replay(w, text)
			}
			<-r.Context().Done()
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	})
}

// trickle sends an endless header, one byte every 10 ms.
func trickle(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, head+"X-Long: ")
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		if _, err := io.WriteString(conn, "x"); err != nil {
			tick.Stop()
			return
		}
	}
}

// manyFields adds this many header fields of a kilobyte to the service's response.
func manyFields(n int) place {
	return scripted(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		for i := range n {
			w.Header().Set(fmt.Sprintf("X-Field-%d", i), strings.Repeat("x", 1000))
		}
		next.ServeHTTP(w, r)
	})
}

// endlessHeader sends header fields until the client disconnects.
func endlessHeader(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, head)
	field := "X-Field: " + strings.Repeat("x", 1000) + "\r\n"
	for range tooMuch / len(field) {
		if _, err := io.WriteString(conn, field); err != nil {
			return
		}
	}
}

// compressed compresses the service's response and then changes it.
func compressed(change func([]byte) []byte) place {
	return scripted(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		plain := httptest.NewRecorder()
		next.ServeHTTP(plain, r)
		var zipped bytes.Buffer
		zip := gzip.NewWriter(&zipped)
		_, _ = zip.Write(plain.Body.Bytes())
		_ = zip.Close()
		w.Header().Set("Content-Type", plain.Header().Get("Content-Type"))
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(change(zipped.Bytes()))
	})
}

// tooMuch bounds the endless responses, to protect the machine from a client without a limit.
const tooMuch = 64 << 20

// bomb is a gzip bomb: one compressed MiB, repeated.
var bomb = func() []byte {
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = io.CopyN(zip, spaces{}, 1<<20)
	_ = zip.Close()
	return bytes.Repeat(zipped.Bytes(), tooMuch>>20)
}()

func gzipBomb(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(bomb)
}

func endless(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", jsonType)
	_, _ = io.CopyN(w, spaces{}, tooMuch)
}

// spaces is an endless reader.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// echoes repeats everything that it was sent, in the header and in the body.
func echoes(status int) place {
	return scripted(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		sent, _ := io.ReadAll(r.Body)
		bearer := r.Header.Get("Authorization")
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("X-Request-Id", bearer+string(sent))
		w.Header().Set("Location", "https://example.invalid/?"+string(sent)+bearer)
		w.Header().Set("Retry-After", bearer)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":%q,"message":%q,"requestId":%q}`, sent, sent, bearer, bearer)
	})
}

// rawEcho writes back what it was sent, without a valid response around it.
func rawEcho(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	sent, _ := io.ReadAll(r.Body)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintf(conn, "%s %s\r\n\r\n", r.Header.Get("Authorization"), sent)
	_ = conn.Close()
}

// garble writes something that is not HTTP.
func garble(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 1024))
	_, _ = io.WriteString(conn, notHTTP)
}

// mirror writes back what it is sent.
func mirror(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // in case the client sends back what it receives
	_, _ = io.Copy(conn, conn)
}

const notHTTP = "SSH-2.0-OpenSSH_9.2\r\n\x00\xff\xfe garbage\r\n\r\n"

func unchanged(body []byte) []byte { return body }

func half(body []byte) []byte { return body[:len(body)/2] }

func damaged(body []byte) []byte {
	body = bytes.Clone(body)
	body[len(body)/2] ^= 0xff
	return body
}

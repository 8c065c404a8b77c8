package doctor

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

func closed(t *testing.T) (address string) {
	t.Helper()
	listener := listen(t)
	address = listener.Addr().String()
	_ = listener.Close()
	return address
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// deaf returns the address of a server that reads and never responds, or that hangs up after the first byte.
func deaf(t *testing.T, hangsUp bool) (address string) {
	t.Helper()
	listener := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = connection.Close() })
			running.Go(func() {
				defer connection.Close()
				_, _ = connection.Read(make([]byte, 1))
				if !hangsUp {
					_, _ = io.Copy(io.Discard, connection)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		stop()
		running.Wait()
	})
	return listener.Addr().String()
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutOff sends less than the Content-Length that it declares.
func cutOff(length int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(length))
		_, _ = io.WriteString(w, `{"totalCount": 1, "jobs": [`)
		_ = http.NewResponseController(w).Flush()
		hangUp(w, r)
	}
}

package sandbox

import "net/http"

// Fault is something that goes wrong: a middleware with a name.
type Fault struct {
	Name       string
	Middleware func(next http.Handler) http.Handler
}

// SetFaults sets the faults that the requests from now on meet.
func (s *Server) SetFaults(faults ...Fault) {
	handler := s.service()
	for _, f := range faults {
		handler = f.Middleware(handler)
	}
	s.faulty.Store(&handler)
}

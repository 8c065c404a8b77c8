package paging

import (
	"context"
	"sync"
)

// queue sends requests, and keeps them and their responses in the order in which the requests were sent.
type queue struct {
	list      List
	ctx       context.Context
	cancel    context.CancelFunc
	requests  []*request    // sent and not handled, oldest first
	inFlight  int           // requests
	responses chan *request // received
	running   sync.WaitGroup
}

type request struct {
	number int
	page   Page
	err    error
	done   bool
}

func newQueue(ctx context.Context, list List) *queue {
	q := &queue{list: list, responses: make(chan *request, list.Prefetch)}
	q.ctx, q.cancel = context.WithCancel(ctx)
	return q
}

// full reports whether no more requests may be sent now.
func (q *queue) full() bool {
	for len(q.responses) > 0 {
		q.receive()
	}
	return q.inFlight >= q.list.Prefetch || len(q.requests) > 4*q.list.Prefetch
}

// send requests a page.
func (q *queue) send(number, size int) {
	r := &request{number: number}
	q.requests = append(q.requests, r)
	q.inFlight++
	q.running.Go(func() {
		r.page, r.err = q.list.Fetch(q.ctx, number, size)
		q.responses <- r
	})
}

// receive waits for a response.
func (q *queue) receive() {
	(<-q.responses).done = true
	q.inFlight--
}

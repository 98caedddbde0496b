package autodeploy

import (
	"context"
	"sync"
	"time"
)

// queue holds the services to look at. One that is being looked at is handed out again only after that look has ended, and
// any number of calls for it until then are one.
type queue struct {
	mu      sync.Mutex
	waiting []string
	state   map[string]state
	later   map[string]*time.Timer // the one look of a service that is due by itself
	bell    chan struct{}          // rings when waiting has grown
}

type state int

const (
	idle state = iota // not in the map
	waiting
	looking
	lookingAgain // called for while it was being looked at
)

func newQueue() *queue {
	return &queue{state: map[string]state{}, later: map[string]*time.Timer{}, bell: make(chan struct{}, 1)}
}

func (q *queue) add(arn string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forgetLaterLocked(arn)
	switch q.state[arn] {
	case idle:
		q.pushLocked(arn)
	case looking:
		q.state[arn] = lookingAgain
	}
}

// forgetLaterLocked keeps each look that was asked for from beginning another row of looks beside those that go on.
func (q *queue) forgetLaterLocked(arn string) {
	if timer := q.later[arn]; timer != nil {
		timer.Stop()
		delete(q.later, arn)
	}
}

func (q *queue) pushLocked(arn string) {
	q.state[arn] = waiting
	q.waiting = append(q.waiting, arn)
	q.ring()
}

func (q *queue) ring() {
	select {
	case q.bell <- struct{}{}:
	default: // it rings already
	}
}

// take waits for a service and hands it out; false when ctx is done.
func (q *queue) take(ctx context.Context) (arn string, ok bool) {
	for {
		if arn, ok := q.next(); ok {
			return arn, ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return "", false
		case <-q.bell:
		}
	}
}

func (q *queue) next() (arn string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return "", false
	}
	arn, q.waiting = q.waiting[0], q.waiting[1:]
	q.state[arn] = looking
	if len(q.waiting) > 0 {
		q.ring() // for the next who waits
	}
	return arn, true
}

// done ends a look. If again is not zero, the service is handed out again after that time.
func (q *queue) done(arn string, again time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := q.state[arn]
	delete(q.state, arn)
	if again > 0 {
		q.forgetLaterLocked(arn)
		q.later[arn] = time.AfterFunc(again, func() { q.add(arn) })
	}
	if was == lookingAgain {
		q.pushLocked(arn)
	}
}

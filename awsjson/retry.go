package awsjson

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Retry says how often an action that failed is tried again.
type Retry struct {
	Mode        string // standard if empty, or adaptive, which also slows down when the service asks for it
	MaxAttempts int    // with the first; 3 if zero
}

func (r Retry) adaptive() bool { return r.Mode == "adaptive" }

const defaultAttempts = 3

func (r Retry) attempts() int {
	if r.MaxAttempts == 0 {
		return defaultAttempts
	}
	return r.MaxAttempts
}

// retriedRequest is one action on its way through its attempts.
type retriedRequest struct {
	attempt, limit int
	acquired       int // quota taken for the last retry
	exhausted      bool
}

// finish completes what the caller gets.
func (r *retriedRequest) finish(reply *Reply, err error) (*Reply, error) {
	if e, ok := errors.AsType[*APIError](err); ok {
		e.Retries, e.MaxRetriesReached = r.attempt-1, r.exhausted
	}
	if err != nil {
		return nil, err
	}
	reply.Retries = r.attempt - 1
	return reply, nil
}

const (
	quota       = 500 // what a client may spend on retries without a success
	retryCost   = 5
	timeoutCost = 10
	success     = 1 // what an action that needed no retry gives back
	maxBackoff  = 20 * time.Second
)

// retries is what a client remembers between its actions: how much it may still try again. The zero value is full.
type retries struct {
	mu    sync.Mutex
	spent int

	limit rateLimit // for adaptive alone
}

// pace waits until the next attempt may be sent.
func (c *Client) pace(ctx context.Context) error {
	if !c.Retry.adaptive() {
		return nil
	}
	for {
		wait := c.retries.limit.take(time.Now())
		if wait == 0 {
			return nil
		}
		c.trace(traceRetries, "The service asked for fewer requests. The next one is in %s.", wait)
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// hear takes note of how an attempt ended.
func (c *Client) hear(err error) {
	if c.Retry.adaptive() {
		e, refused := errors.AsType[*APIError](err)
		c.retries.limit.heard(time.Now(), refused && throttled(e))
	}
}

// after decides, once an attempt has ended with err, whether there is another one and when.
func (s *retries) after(r *retriedRequest, err error) (time.Duration, bool) {
	if err == nil {
		s.release(r)
		return 0, false
	}
	if r.attempt >= r.limit {
		r.exhausted = true
		return 0, false
	}
	if !retryable(err) || !s.acquire(r, err) {
		return 0, false
	}
	return backoff(r.attempt), true
}

// backoff is random up to a second, two, four and so on.
func backoff(attempt int) time.Duration {
	ceiling := time.Second << min(attempt-1, 30)
	return min(time.Duration(rand.Float64()*float64(ceiling)), maxBackoff)
}

// acquire pays for another attempt.
func (s *retries) acquire(r *retriedRequest, err error) bool {
	cost := retryCost
	if e, ok := errors.AsType[*ConnectionError](err); ok && e.timeout() {
		cost = timeoutCost
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spent+cost > quota {
		return false
	}
	s.spent += cost
	r.acquired = cost
	return true
}

// release gives back what the last retry cost.
func (s *retries) release(r *retriedRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	back := r.acquired
	if back == 0 {
		back = success
	}
	s.spent = max(0, s.spent-back)
}

// transientStatuses and transientCodes are failures that pass by themselves.
var (
	transientStatuses = []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	transientCodes    = []string{"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"}
)

// throttlingCodes are how services ask for fewer requests.
var throttlingCodes = []string{
	"BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
	"ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
	"SlowDown", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
	"TransactionInProgressException",
}

// retryable reports whether another attempt may end better.
func retryable(err error) bool {
	if _, ok := errors.AsType[*ConnectionError](err); ok {
		return true
	}
	e, ok := errors.AsType[*APIError](err)
	return ok && (slices.Contains(transientStatuses, e.Status) || slices.Contains(transientCodes, e.Code) || throttled(e))
}

func throttled(e *APIError) bool { return slices.Contains(throttlingCodes, e.Code) }

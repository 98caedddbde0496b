package proxy

import (
	"cmp"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// balancer is the http.RoundTripper that finds an instance for a request. One that can't be connected to has got
// nothing, so the next is tried, whatever the method. What broke off before the answer's first byte is tried once more,
// on another instance, if doing it twice does no harm.
type balancer struct{}

func (balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	var failure error
	for again := true; ; {
		in, err := x.find()
		if err != nil {
			return nil, cmp.Or(failure, err)
		}
		res, a, err := x.attempt(in, r)
		if err == nil {
			in.succeeded()
			return res, nil
		}
		requestErr, _ := x.bodyErrs()
		if r.Context().Err() != nil || requestErr != nil {
			return nil, err // not the instance's fault
		}
		_, unreached := errors.AsType[*dialError](err)
		broken := a.connected.Load() && a.firstByte.Load() == 0
		if unreached || broken && a.fresh.Load() {
			in.failed(err)
		}
		if !unreached && !(broken && again && x.repeatable(r)) {
			return nil, err
		}
		again = again && unreached
		failure = err
		x.leaveInstance()
	}
}

func (x *exchange) find() (*instance, error) {
	if in := x.tryInstance(); in != nil {
		return in, nil
	}
	return x.awaitInstance(x.ctx)
}

// attempt is one sending of a request to one instance.
type attempt struct {
	connected atomic.Bool
	fresh     atomic.Bool  // the connection was made for it, and not one that the instance may have closed meanwhile
	firstByte atomic.Int64 // Unix nanoseconds; 0 before
}

func (x *exchange) attempt(in *instance, r *http.Request) (*http.Response, *attempt, error) {
	a := &attempt{}
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) {
			a.fresh.Store(!c.Reused)
			a.connected.Store(true)
		},
		GotFirstResponseByte: func() { a.firstByte.Store(time.Now().UnixNano()) },
	}))
	res, err := in.transportFor(x).RoundTrip(r)
	if at := a.firstByte.Load(); at != 0 {
		x.firstByte = time.Unix(0, at).Sub(x.began)
	}
	return res, a, err
}

// repeatable reports whether the request may be sent to another instance after the first broke it off: no part of a
// body is gone, and doing it twice is the same as doing it once.
func (x *exchange) repeatable(r *http.Request) bool {
	return idempotent(r.Method) && (x.body == nil || !x.body.begun.Load())
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

package proxy

import "time"

// Record is what is known of one request at its end. It and its strings are valid during the call that hands it on
// only: whoever keeps any of it copies it.
type Record struct {
	Service, Instance, RequestID               string
	Method, Host, Target, Proto                string // Target: path with query, as the client sent it; Proto: "HTTP/1.1"
	Client, Agent, Referer                     string // Client: address without port
	Status                                     int    // what was answered; 499: the client had gone
	Received, Sent                             int64  // bytes of bodies
	Began                                      time.Time
	Waited, FirstByte, Took                    time.Duration // in the queue; Began until the instance's first byte; whole
	TraceIn, TraceOut                          string        // traceparent as it came and as it went on
	TLS, Retried, Upgraded                     bool
	Reason                                     string // why the proxy failed it; "" when the instance answered
}

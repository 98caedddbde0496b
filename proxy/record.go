package proxy

import "time"

// Record is what is known of a request at its end. It is filled in on the request's way and used again for the next.
type Record struct {
	Service, Instance, RequestID string // Instance: where the request was last; "" when no instance got it
	Method, Host, Target, Proto  string // Target: path and query as the client wrote them; Proto: "HTTP/1.1"
	Client, Agent, Referer       string // Client: the peer's address without its port, or what a trusted proxy said of it

	Status         int       // sent to the client; 101 for an upgraded connection; 499: the client had gone
	Received, Sent int64     // bytes of bodies, from the client and to it
	Began          time.Time // the request's head had been read

	Waited    time.Duration // for an instance
	FirstByte time.Duration // from Began to the first byte of the instance's answer; 0 when there was none
	Took      time.Duration // from Began to the end

	TraceIn, TraceOut      string // traceparent as it came and as the instance got it
	TLS, Retried, Upgraded bool

	Reason string // why the proxy failed the request; "" when the instance answered it whole
}

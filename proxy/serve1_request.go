package proxy

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"

	"apron/proxy/http1"
)

// composeRequest makes of the client's request, as far as it was read, the instance's. The Host, the path and the query
// pass exactly as they came: nothing here decides by path or query, so there is nothing that a different reading of them
// could get around.
func (x *exchange1) composeRequest() {
	b := append(x.out[:0], x.req.Method.Of(x.in)...)
	b = append(b, ' ')
	if target := x.req.Target.Of(x.in); len(target) == 0 || target[0] == '?' {
		b = append(b, '/')
	}
	b = append(b, x.req.Target.Of(x.in)...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, x.req.Host.Of(x.in)...)
	b = append(b, "\r\n"...)
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; x.passes(f.Kind) {
			b = appendField(b, x.in, f)
		}
	}
	b = x.appendForwarded(b)
	b = x.appendOwn(b)
	b = append(b, "\r\n"...)
	x.out = append(b, x.in[x.req.Size:x.taken]...)
}

// passes reports whether a field of the client's goes on to the instance as it is.
func (x *exchange1) passes(k http1.Kind) bool {
	switch k {
	case http1.Other, http1.UserAgent, http1.Referer, http1.IdempotencyKey, http1.Date, http1.ContentType, http1.Trailer:
		return true
	case http1.Traceparent:
		return x.client.proxy.trace == nil
	case http1.Tracestate:
		return x.client.proxy.trace == nil || x.traceIn != ""
	case http1.Expect:
		return x.req.Continue
	}
	return false
}

func appendField(b, from []byte, f *http1.Field) []byte {
	b = append(b, f.Name.Of(from)...)
	b = append(b, ": "...)
	b = append(b, f.Value.Of(from)...)
	return append(b, "\r\n"...)
}

// appendForwarded tells the instance who asked, and how; see setForwarded, which says the same of net/http's requests.
func (x *exchange1) appendForwarded(b []byte) []byte {
	proto := "http"
	if x.client.via.TLS != nil {
		proto = "https"
	}
	b = append(b, "X-Forwarded-For: "...)
	if x.client.trusted {
		for i := range x.req.Fields {
			if f := &x.req.Fields[i]; f.Kind == http1.XForwardedFor {
				b = append(append(b, f.Value.Of(x.in)...), ", "...)
			}
		}
		if said, ok := x.req.Find(http1.XForwardedProto); ok {
			switch view(said.Of(x.in)) {
			case "http":
				proto = "http"
			case "https":
				proto = "https"
			}
		}
	}
	b = append(append(b, x.client.addr...), "\r\nX-Forwarded-Proto: "...)
	return append(append(b, proto...), "\r\n"...)
}

// appendOwn writes what concerns this request on this connection.
func (x *exchange1) appendOwn(b []byte) []byte {
	b = append(append(append(b, "X-Request-Id: "...), x.id[:x.idLen]...), "\r\n"...)
	if x.traceOut != "" {
		b = append(append(append(b, "Traceparent: "...), x.traceOut...), "\r\n"...)
	}
	if te, ok := x.req.Find(http1.TE); ok && http1.Lists(te.Of(x.in), "trailers") {
		b = append(b, "TE: trailers\r\n"...)
	}
	if x.wantsUpgrade() {
		b = append(append(append(b, "Connection: Upgrade\r\nUpgrade: "...), x.req.Upgrade.Of(x.in)...), "\r\n"...)
	}
	switch {
	case x.req.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case x.req.Length >= 0:
		b = appendLength(b, x.req.Length)
	}
	return b
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	return append(strconv.AppendInt(b, n, 10), "\r\n"...)
}

// trace settles what the instance is told of the trace that the request belongs to; see setTrace.
func (x *exchange1) trace() {
	n := 0
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; f.Kind == http1.Traceparent {
			x.traceIn = string(f.Value.Of(x.in))
			n++
		}
	}
	if n != 1 || !validTraceparent(x.traceIn) {
		x.traceIn = ""
	}
	x.traceOut = x.client.proxy.trace(x.traceIn)
}

// makeID takes the client's x-request-id, or makes one in Envoy's form, a random UUID. It names and proves nothing, so
// it need not be unpredictable.
func (x *exchange1) makeID() {
	if s, ok := x.req.Find(http1.XRequestID); ok && s.Len() > 0 && s.Len() <= len(x.id) {
		x.idLen = copy(x.id[:], s.Of(x.in))
		return
	}
	var raw [16]byte
	for i, n := range [2]uint64{rand.Uint64(), rand.Uint64()} {
		for j := range 8 {
			raw[8*i+j] = byte(n >> (8 * j))
		}
	}
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	x.idLen = len(appendUUID(x.id[:0], raw[:]))
}

func appendUUID(b, raw []byte) []byte {
	for i, part := range [][]byte{raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

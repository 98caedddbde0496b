package telemetry

import (
	"net"
	"strconv"
	"strings"

	"apron/proxy"
)

// span is a request for OpenTelemetry: a copy of its record, whose strings are not ours, and its place in the trace.
type span struct {
	record       proxy.Record
	self, parent traceParent
	hasParent    bool
}

// newSpan reports false where the request's trace is not sampled.
func newSpan(r *proxy.Record) (*span, bool) {
	self, ok := parseParent(r.TraceOut)
	if !ok || !self.sampled() {
		return nil, false
	}
	s := &span{record: *r, self: self}
	s.parent, s.hasParent = parseParent(r.TraceIn)
	c := &s.record
	var all strings.Builder
	texts := [...]*string{&c.Service, &c.Instance, &c.RequestID, &c.Method, &c.Host, &c.Target, &c.Proto, &c.Client, &c.Agent, &c.Reason}
	for _, text := range texts {
		*text = (*text)[:min(len(*text), maxTarget)]
		all.WriteString(*text)
	}
	rest := all.String()
	for _, text := range texts {
		*text, rest = rest[:len(*text)], rest[len(*text):]
	}
	c.Referer, c.TraceIn, c.TraceOut = "", "", ""
	return s, true
}

// kindServer is SPAN_KIND_SERVER, statusError STATUS_CODE_ERROR.
const (
	kindServer  = 2
	statusError = 2
)

// append encodes the span as an opentelemetry.proto.trace.v1.Span. svc is what its service is, as far as that is known.
func (s *span) append(m message, svc Service) message {
	r := &s.record
	m = m.bytes(1, s.self.trace[:]).bytes(2, s.self.span[:])
	flags := uint32(s.self.flags)
	if s.hasParent {
		m = m.bytes(4, s.parent.span[:])
		flags |= 0x300 // it is known that the parent is remote
	}
	name, _ := knownMethod(r.Method)
	if name == otherMethod {
		name = "HTTP"
	}
	m = m.text(5, name).number(6, kindServer)
	m = m.fixed64(7, uint64(r.Began.UnixNano())).fixed64(8, uint64(r.Began.Add(r.Took).UnixNano()))
	m = s.attributes(m, svc)
	if r.Status >= 500 {
		m = m.nested(15, func(m message) message { return m.text(2, r.Reason).number(3, statusError) })
	}
	return m.fixed32(16, flags)
}

// attributes are those of OpenTelemetry's conventions for HTTP servers, and of apron's own what those have no name for.
func (s *span) attributes(m message, svc Service) message {
	r := &s.record
	method, original := knownMethod(r.Method)
	m = m.attribute("http.request.method", method).attribute("http.request.method_original", original)
	target := string(appendURL(nil, r.Target, appendPlain))
	path, query, _ := strings.Cut(target, "?")
	m = m.attribute("url.path", path).attribute("url.query", query).attribute("url.scheme", scheme(r.TLS))
	host, port := splitHost(r.Host)
	m = m.attribute("server.address", host).attributeInt("server.port", int64(port))
	m = m.attribute("client.address", r.Client).attribute("user_agent.original", r.Agent)
	m = m.attribute("network.protocol.version", protocolVersion(r.Proto))
	m = m.attributeInt("http.response.status_code", int64(r.Status))
	if r.Status >= 500 {
		m = m.attribute("error.type", strconv.Itoa(r.Status))
	}
	m = m.attributeInt("http.request.body.size", r.Received).attributeInt("http.response.body.size", r.Sent)
	m = m.attribute("apron.service.id", r.Service).attribute("apron.service.name", svc.Name)
	m = m.attribute("apron.account", svc.Account).attribute("apron.region", svc.Region)
	m = m.attribute("apron.instance.id", r.Instance).attribute("apron.request.id", r.RequestID)
	m = m.attributeInt("apron.wait_us", r.Waited.Microseconds())
	if r.Retried {
		m = m.attribute("apron.retried", "true")
	}
	return m
}

const otherMethod = "_OTHER"

// knownMethod is the method, or for one that the conventions do not know otherMethod and the method.
func knownMethod(method string) (name, original string) {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY":
		return method, ""
	}
	return otherMethod, method
}

// protocolVersion is "1.1" of "HTTP/1.1", and "2" of what Go calls "HTTP/2.0".
func protocolVersion(proto string) string {
	if proto == "HTTP/2.0" {
		return "2"
	}
	return strings.TrimPrefix(proto, "HTTP/")
}

func scheme(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

func splitHost(host string) (name string, port int) {
	name, text, err := net.SplitHostPort(host)
	if err != nil {
		return host, 0
	}
	port, _ = strconv.Atoi(text) // what is no number is no port
	return name, port
}

package http1

import "bytes"

// Request is the head of a request. It can be used again for the next one.
type Request struct {
	Head
	Method   Span
	Target   Span // in origin-form, or "*"; without a path, so that a "/" is to be written before it, if the client's absolute one has none
	Host     Span // with its port; empty for an HTTP/1.0 request that names none
	Continue bool // the client waits for 100 (Continue) before it sends the body
}

// Parse reads the request head that b begins with. b must hold all of it; see End. An error is an *Error.
func (r *Request) Parse(b []byte) error {
	r.reset()
	r.Method, r.Target, r.Host, r.Continue = Span{}, Span{}, Span{}, false
	at := 0
	if len(b) > 2 && b[0] == '\r' && b[1] == '\n' {
		at = 2 // RFC 9112, 2.2: some clients send an empty line after a body
	}
	end, next, err := line(b, at)
	if err != nil {
		return err
	}
	if err := r.parseLine(b, at, end); err != nil {
		return err
	}
	if err := r.parseFields(b, next); err != nil {
		return err
	}
	if err := r.findHost(b); err != nil {
		return err
	}
	return r.findExpect(b)
}

func (r *Request) parseLine(b []byte, at, end int) error {
	sp := indexByte(b[at:end], ' ')
	if sp < 0 {
		return errStart
	}
	r.Method = span(at, at+sp)
	if !isToken(r.Method.Of(b)) {
		return errMethod
	}
	at += sp + 1
	if sp = indexByte(b[at:end], ' '); sp < 0 {
		return errStart
	}
	r.Target = span(at, at+sp)
	if sp == 0 || !all(r.Target.Of(b), inTarget) {
		return errTarget
	}
	minor, err := version(b[at+sp+1 : end])
	r.Minor = minor
	return err
}

func version(b []byte) (minor int, err error) {
	switch string(b) {
	case "HTTP/1.1":
		return 1, nil
	case "HTTP/1.0":
		return 0, nil
	}
	if len(b) == 8 && string(b[:5]) == "HTTP/" && b[6] == '.' && digits(b[5:6]) >= 0 && digits(b[7:8]) >= 0 {
		return 0, errVersion
	}
	return 0, errStart
}

// findHost settles which host the request is for, and takes an absolute target apart.
func (r *Request) findHost(b []byte) error {
	var header Span
	n := 0
	for i := range r.Fields {
		if r.Fields[i].Kind == Host {
			header = r.Fields[i].Value
			n++
		}
	}
	switch {
	case n > 1:
		return errHosts
	case n == 0 && r.Minor > 0:
		return errNoHost
	case n == 1 && !validHost(header.Of(b)):
		return errHost
	}
	r.Host = header
	return r.splitTarget(b, n == 1)
}

// splitTarget leaves a target in origin-form. The authority of one in absolute-form wins over the Host header by the
// RFC; not every instance knows, so the two must agree.
func (r *Request) splitTarget(b []byte, named bool) error {
	t := r.Target.Of(b)
	switch {
	case t[0] == '/', r.Is(b, "CONNECT"), len(t) == 1 && t[0] == '*' && r.Is(b, "OPTIONS"):
		return nil
	}
	start := bytes.Index(t, []byte("://"))
	if start < 0 || !EqualFold(t[:start], "http") && !EqualFold(t[:start], "https") {
		return errTarget
	}
	from := int(r.Target.From) + start + 3
	to := from
	for to < int(r.Target.To) && b[to] != '/' && b[to] != '?' {
		to++
	}
	switch {
	case !validHost(b[from:to]):
		return errHost
	case named && !sameFold(b[from:to], r.Host.Of(b)):
		return errHosts
	}
	r.Host, r.Target.From = span(from, to), int32(to)
	return nil
}

// validHost reports that b is a name, an IPv4 address or an IPv6 address in brackets, with or without a port.
func validHost(b []byte) bool {
	name, port := b, []byte(nil)
	if i := bytes.LastIndexByte(b, ':'); i >= 0 && (len(b) == 0 || b[len(b)-1] != ']') {
		name, port = b[:i], b[i+1:]
		if n := digits(port); len(port) > 0 && (len(port) > 5 || n < 0 || n > 65535) {
			return false
		}
	}
	if len(name) == 0 || len(name) > 255 {
		return false
	}
	if name[0] != '[' {
		return all(name, inHost)
	}
	if len(name) < 4 || name[len(name)-1] != ']' {
		return false
	}
	for _, c := range name[1 : len(name)-1] {
		if c != ':' && c != '.' && hexDigit(c) < 0 {
			return false
		}
	}
	return true
}

func (r *Request) findExpect(b []byte) error {
	for _, f := range r.Fields {
		if f.Kind != Expect {
			continue
		}
		if !EqualFold(f.Value.Of(b), "100-continue") {
			return errExpect
		}
		// RFC 9110, 10.1.1: of an HTTP/1.0 client, and without a body, it is ignored.
		r.Continue = r.Minor == 1 && r.HasBody()
	}
	return nil
}

// Is reports that the method is m. Methods are case-sensitive.
func (r *Request) Is(b []byte, m string) bool { return string(r.Method.Of(b)) == m }

// Idempotent reports that sending the request twice does what sending it once does (RFC 9110, 9.2.2).
func (r *Request) Idempotent(b []byte) bool {
	switch string(r.Method.Of(b)) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	_, keyed := r.Find(IdempotencyKey)
	return keyed
}

// HasBody reports that bytes of a body follow the head.
func (r *Request) HasBody() bool { return r.Chunked || r.Length > 0 }

// Body returns the framing of the request's body.
func (r *Request) Body() Body {
	switch {
	case r.Chunked:
		return Body{form: chunked}
	case r.Length > 0:
		return Body{form: counted, left: r.Length}
	}
	return Body{form: empty}
}

// Asks reports that the request asks to switch to the protocol, given in lower case, whatever else it offers.
func (h *Head) Asks(b []byte, protocol string) bool { return Lists(h.Upgrade.Of(b), protocol) }

// Lists reports that the comma-separated list has the element, given in lower case.
func Lists(list []byte, element string) bool {
	for more := true; more; {
		var option []byte
		if option, list, more = nextOption(list); EqualFold(option, element) {
			return true
		}
	}
	return false
}

package http1

// Response is the head of a response. It can be used again for the next one.
type Response struct {
	Head
	Status int
	Reason Span
}

// Parse reads the response head that b begins with. b must hold all of it; see End. An error is an *Error, whose
// Status means nothing here.
func (r *Response) Parse(b []byte) error {
	r.reset()
	r.Status, r.Reason = 0, Span{}
	end, next, err := line(b, 0)
	if err != nil {
		return err
	}
	if end < len("HTTP/1.1 200") || b[8] != ' ' {
		return errStart
	}
	if r.Minor, err = version(b[:8]); err != nil {
		return err
	}
	if r.Status = int(digits(b[9:12])); r.Status < 100 {
		return errStatus
	}
	if end > 12 {
		if b[12] != ' ' || !all(b[13:end], inValue) {
			return errStatus
		}
		r.Reason = span(13, end)
	}
	return r.parseFields(b, next)
}

// Interim reports a 1xx that another response follows.
func (r *Response) Interim() bool { return r.Status < 200 && r.Status != 101 }

// Body returns the framing of the body that answers a request (RFC 9112, 6.3). head says that its method was HEAD.
func (r *Response) Body(head bool) Body {
	switch {
	case head, r.Status < 200, r.Status == 204, r.Status == 304:
		return Body{form: empty}
	case r.Chunked:
		return Body{form: chunked, lenient: true}
	case r.Length > 0:
		return Body{form: counted, left: r.Length}
	case r.Length == 0:
		return Body{form: empty}
	}
	return Body{form: untilClose}
}

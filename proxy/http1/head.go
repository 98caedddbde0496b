package http1

// maxFields and maxOptions bound what a head costs to look through.
const (
	maxFields  = 512
	maxOptions = 32
)

// Head is what requests and responses have in common. Its places are in the bytes that were parsed.
type Head struct {
	Fields    []Field
	Size      int   // bytes of the head, the empty line included
	Minor     int   // of the version: 1 for HTTP/1.1, 0 for HTTP/1.0
	Length    int64 // Content-Length, -1 without one
	Chunked   bool
	KeepAlive bool // the sender would like to go on with the connection
	Upgrade   Span // the Upgrade header, when the Connection header names it; else empty

	saysClose, saysKeepAlive, saysUpgrade, codings bool
}

func (h *Head) reset() {
	*h = Head{Fields: h.Fields[:0], Length: -1}
}

// line returns the end of the line that begins at from, without its CR LF, and where the next begins.
func line(b []byte, from int) (end, next int, err error) {
	i := indexByte(b[from:], '\n')
	if i < 1 || b[from+i-1] != '\r' {
		return 0, 0, errLine
	}
	return from + i - 1, from + i + 1, nil
}

// parseFields reads header lines from at to the empty line. b holds the whole head.
func (h *Head) parseFields(b []byte, at int) error {
	for {
		end, next, err := line(b, at)
		if err != nil {
			return err
		}
		if end == at {
			h.Size = next
			return h.settle(b)
		}
		f, err := parseField(b, at, end)
		if err != nil {
			return err
		}
		if len(h.Fields) == maxFields {
			return errManyFields
		}
		h.Fields = append(h.Fields, f)
		if err := h.note(b, f); err != nil {
			return err
		}
		at = next
	}
}

func parseField(b []byte, at, end int) (Field, error) {
	if b[at] == ' ' || b[at] == '\t' {
		return Field{}, errFold
	}
	colon := at
	for colon < end && chars[b[colon]]&inToken != 0 {
		colon++
	}
	if colon == at || colon == end || b[colon] != ':' {
		return Field{}, errName
	}
	from, to := trim(b, colon+1, end)
	for _, c := range b[from:to] {
		if chars[c]&inValue == 0 {
			if c == '\r' || c == 0 {
				return Field{}, errLine
			}
			return Field{}, errValue
		}
	}
	return Field{span(at, colon), span(from, to), kindOf(b[at:colon])}, nil
}

// note takes up what a field says of the message's framing and of its connection.
func (h *Head) note(b []byte, f Field) error {
	value := f.Value.Of(b)
	switch f.Kind {
	case ContentLength:
		if h.Length >= 0 {
			return errLengths // even equal ones: nothing honest sends them, and readers differ in which they take
		}
		if h.Length = digits(value); h.Length < 0 {
			return errLength
		}
	case TransferEncoding:
		if h.codings || !EqualFold(value, "chunked") {
			return errCoding
		}
		h.codings, h.Chunked = true, true
	case Connection:
		return h.noteOptions(value)
	}
	return nil
}

func (h *Head) noteOptions(list []byte) error {
	for n := 0; ; n++ {
		option, rest, more := nextOption(list)
		if n == maxOptions || len(option) > 0 && !isToken(option) {
			return errOptions
		}
		h.saysClose = h.saysClose || EqualFold(option, "close")
		h.saysKeepAlive = h.saysKeepAlive || EqualFold(option, "keep-alive")
		h.saysUpgrade = h.saysUpgrade || EqualFold(option, "upgrade")
		if !more {
			return nil
		}
		list = rest
	}
}

// nextOption cuts the first element off a comma-separated list.
func nextOption(list []byte) (option, rest []byte, more bool) {
	end := indexByte(list, ',')
	if more = end >= 0; more {
		rest = list[end+1:]
	} else {
		end = len(list)
	}
	from, to := trim(list, 0, end)
	return list[from:to], rest, more
}

// settle judges the fields together.
func (h *Head) settle(b []byte) error {
	switch {
	case h.Chunked && h.Length >= 0:
		return errBoth
	case h.Chunked && h.Minor == 0:
		return errOldCoding
	}
	h.KeepAlive = !h.saysClose && (h.Minor == 1 || h.saysKeepAlive)
	lists := 0
	for _, f := range h.Fields {
		switch f.Kind {
		case Upgrade:
			if !h.saysUpgrade {
				continue
			}
			if h.Upgrade.Len() > 0 || !validProtocols(f.Value.Of(b)) {
				return errUpgrade
			}
			h.Upgrade = f.Value
		case Connection:
			if lists++; lists > maxOptions {
				return errOptions
			}
			h.markListed(b, f.Value.Of(b))
		}
	}
	return nil
}

// validProtocols reports that the list is one of names with or without a version, as in "websocket" and "HTTP/2.0".
func validProtocols(list []byte) bool {
	for more := true; more; {
		var name []byte
		name, list, more = nextOption(list)
		if slash := indexByte(name, '/'); slash > 0 && isToken(name[slash+1:]) {
			name = name[:slash]
		}
		if !isToken(name) {
			return false
		}
	}
	return true
}

// markListed marks the fields that a Connection header names. Those of a kind that the proxy writes itself, or must
// keep for the message to mean the same, such as Host, stay what they are.
func (h *Head) markListed(b, list []byte) {
	for more := true; more; {
		var option []byte
		option, list, more = nextOption(list)
		if len(option) == 0 || EqualFold(option, "close") || EqualFold(option, "keep-alive") {
			continue
		}
		for i := range h.Fields {
			f := &h.Fields[i]
			if (f.Kind == Other || f.Kind >= XRequestID) && sameFold(f.Name.Of(b), option) {
				f.Kind = Listed
			}
		}
	}
}

// Find returns the value of the first field of the kind.
func (h *Head) Find(kind Kind) (Span, bool) {
	for i := range h.Fields {
		if h.Fields[i].Kind == kind {
			return h.Fields[i].Value, true
		}
	}
	return Span{}, false
}

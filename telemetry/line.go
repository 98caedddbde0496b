package telemetry

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"apron/proxy"
)

// lineTime has a fixed width, so that lines sort as text.
const lineTime = "2006-01-02T15:04:05.000000Z"

// How much of what clients send a line has; the rest is cut, and "..." says so.
const (
	maxTarget = 4 << 10
	maxField  = 1 << 10
)

// appendLine appends the record as one line of JSON. What is empty, zero or false is left out, but for the figures that
// every request has.
func appendLine(b []byte, r *proxy.Record) []byte {
	b = append(b, `{"time":"`...)
	b = r.Began.UTC().AppendFormat(b, lineTime)
	b = append(b, '"')
	b = appendField(b, "client", r.Client)
	b = appendField(b, "method", r.Method)
	b = appendField(b, "host", r.Host)
	b = append(b, `,"target":"`...)
	b = append(appendURL(b, r.Target, appendEscaped), '"')
	b = appendField(b, "protocol", r.Proto)
	b = appendFlag(b, "tls", r.TLS)
	b = appendNumber(b, "status", int64(r.Status))
	b = appendNumber(b, "bytes_in", r.Received)
	b = appendNumber(b, "bytes_out", r.Sent)
	b = appendDuration(b, "duration_ms", r.Took)
	b = appendSome(b, "waited_ms", r.Waited)
	b = appendSome(b, "first_byte_ms", r.FirstByte)
	b = appendField(b, "instance", r.Instance)
	b = appendField(b, "request_id", r.RequestID)
	b = appendField(b, "trace_id", traceID(r))
	b = appendField(b, "user_agent", r.Agent)
	if r.Referer != "" {
		b = append(b, `,"referer":"`...)
		b = append(appendURL(b, r.Referer, appendEscaped), '"')
	}
	b = appendFlag(b, "retried", r.Retried)
	b = appendFlag(b, "upgraded", r.Upgraded)
	b = appendField(b, "reason", r.Reason)
	return append(b, '}', '\n')
}

func appendName(b []byte, name string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	return append(b, `":`...)
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(appendName(b, name), '"')
	return append(appendCut(b, value, maxField), '"')
}

func appendFlag(b []byte, name string, on bool) []byte {
	if !on {
		return b
	}
	return append(appendName(b, name), "true"...)
}

func appendNumber(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(b, name), n, 10)
}

func appendSome(b []byte, name string, d time.Duration) []byte {
	if d <= 0 {
		return b
	}
	return appendDuration(b, name, d)
}

// appendDuration appends milliseconds with three places behind the point.
func appendDuration(b []byte, name string, d time.Duration) []byte {
	us := max(d.Microseconds(), 0)
	b = strconv.AppendInt(appendName(b, name), us/1000, 10)
	us %= 1000
	return append(b, '.', byte('0'+us/100), byte('0'+us/10%10), byte('0'+us%10))
}

// appendCut appends at most limit bytes of s, escaped.
func appendCut(b []byte, s string, limit int) []byte {
	if len(s) <= limit {
		return appendEscaped(b, s)
	}
	return append(appendEscaped(b, s[:limit]), "..."...)
}

// appendEscaped appends s as JSON has it between quotes. Clients write what they like into most of these texts, so
// everything that could move a terminal's cursor or turn its direction is escaped too.
func appendEscaped(b []byte, s string) []byte {
	plain := 0 // from where nothing needed escaping
	for i := 0; i < len(s); {
		c := s[i]
		if verbatim[c] {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if printable(r) && !(r == utf8.RuneError && size == 1) {
				i += size
				continue
			}
		}
		b = append(b, s[plain:i]...)
		b = appendEscape(b, r)
		i += size
		plain = i
	}
	return append(b, s[plain:]...)
}

// verbatim are the bytes that stand for themselves: visible ASCII but quote and backslash.
var verbatim = func() (list [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		list[c] = c != '"' && c != '\\'
	}
	return list
}()

func printable(r rune) bool {
	return !unicode.IsControl(r) && !unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

func appendEscape(b []byte, r rune) []byte {
	if r == '"' || r == '\\' {
		return append(b, '\\', byte(r))
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

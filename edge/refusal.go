package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// refusal is why a connection got no place.
type refusal struct {
	text  string // what the client is told
	limit string
	most  int
}

// refuse tells the client in the language that it speaks, and closes. What is said to whom is bounded in time and number, so that
// refusing costs less than serving; beyond that a connection is closed without a word.
func (t *table) refuse(log *slog.Logger, c net.Conn, why *refusal) {
	if n := t.notices.due("refused " + why.limit); n > 0 {
		log.LogAttrs(context.Background(), slog.LevelWarn, "connections refused", slog.String("limit", why.limit), slog.Int("most", why.most),
			slog.Int("refused", n), slog.String("last_client", c.RemoteAddr().String()))
	}
	select {
	case t.refused <- struct{}{}:
		go func() {
			defer func() { <-t.refused }()
			why.tell(c)
		}()
	default:
		_ = c.Close()
	}
}

// tellLimit is how long a refused client has for saying what it speaks and reading the refusal.
const tellLimit = time.Second

func (r *refusal) tell(raw net.Conn) {
	defer raw.Close()
	c := &conn{Conn: raw}
	p := c.sniff(tellLimit)
	_ = raw.SetDeadline(time.Now().Add(tellLimit))
	switch p {
	case secure:
		_, _ = raw.Write(busyAlert)
	case plain2:
		_, _ = raw.Write(goAway(enhanceYourCalm, r.text))
	case plain1:
		_, _ = fmt.Fprintf(raw, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n",
			len(r.text)+1, r.text)
	default:
		return
	}
	lingerClose(raw)
}

// lingerClose lets the client read what was written: closing with unread bytes resets the connection, and its side forgets
// what came before.
func lingerClose(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	var rest [4096]byte
	for {
		if _, err := c.Read(rest[:]); err != nil {
			return
		}
	}
}

// busyAlert is a fatal alert in clear, internal_error: TLS has none for "too many".
var busyAlert = []byte{0x15, 3, 1, 0, 2, 2, 80}

// Why a connection that speaks HTTP/2 ends, as RFC 9113 numbers it.
const (
	protocolError   = 1
	enhanceYourCalm = 11
)

// goAway is all that a connection says that speaks HTTP/2 and ends at once: empty SETTINGS, and GOAWAY with code and reason.
func goAway(code byte, text string) []byte {
	frames := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}
	frames = append(frames, 0, 0, byte(8+len(text)), 7, 0, 0, 0, 0, 0)
	frames = append(frames, 0, 0, 0, 0, 0, 0, 0, code)
	return append(frames, text...)
}

// reportAccept logs, not for each, that connections could not be accepted.
func (t *table) reportAccept(log *slog.Logger, err error) {
	if n := t.notices.due("accept"); n > 0 {
		log.LogAttrs(context.Background(), slog.LevelWarn, "connections not accepted; if it says that too many files are open, raise the limit of open files (ulimit -n, LimitNOFILE) or lower --max-conns",
			slog.Int("times", n), slog.Any("error", err))
	}
}

// notices keeps what happens all the time under attack from filling the log.
type notices struct {
	mu    sync.Mutex
	since map[string]time.Time
	count map[string]int
}

// due counts one more of what, and returns how many there were since the last line, if a line is due: the first at once, then one a
// minute.
func (n *notices) due(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.since == nil {
		n.since, n.count = map[string]time.Time{}, map[string]int{}
	}
	n.count[what]++
	if last, told := n.since[what]; told && time.Since(last) < time.Minute {
		return 0
	}
	count := n.count[what]
	n.since[what], n.count[what] = time.Now(), 0
	return count
}

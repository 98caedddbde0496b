package logs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxPage = 1 << 20 // bytes of lines in one page
	// maxPlaces is how many streams a place remembers, those that were written to last. A service with more of them, all of
	// which still grow, is not one that apron runs.
	maxPlaces = 100
	// settledLine is how long a line without an end must not have grown to be shown: its writer may have died over it.
	settledLine = 2 * time.Second
)

// Line is one line of a stream.
type Line struct {
	Stream string
	At     time.Time // zero in what instances print, and in fragments
	Text   string    // without its time and its end
}

// Place is how far somebody has read the streams of a service. It outlives this process; the zero value is nowhere.
type Place struct {
	Read    int64           `json:"read,omitempty"`    // Unix nanoseconds: what was written to before is known, or was not worth it
	Streams map[string]mark `json:"streams,omitempty"` // by name
}

// mark is a cursor in writing.
type mark struct {
	Part   partID `json:"part,omitzero"`
	Offset int64  `json:"offset,omitempty"`
}

// Page reads on from a place, or from nowhere the last lines of the chosen streams, at most limit lines in all, and tells
// the place behind them. The streams that were written to last come last. A name that ends in "/" chooses all streams that
// begin with it, those that appear later included. What has no line yet, or no stream, gives an empty page. It does not
// wait.
func (l *Logs) Page(svc Service, from Place, limit int, chosen ...string) (lines []Line, to Place, err error) {
	begun := time.Now().Add(-time.Second) // the clock of files is coarser
	streams, err := l.Streams(svc)
	if err != nil {
		return nil, from, err
	}
	streams = slices.DeleteFunc(streams, func(s Stream) bool { return !isChosen(chosen, s.Name) })
	slices.SortFunc(streams, func(a, b Stream) int {
		return cmp.Or(a.LastWrite.Compare(b.LastWrite), strings.Compare(a.Name, b.Name))
	})
	p := page{logs: l, svc: svc, limit: limit, bytes: maxPage, to: Place{Read: begun.UnixNano(), Streams: map[string]mark{}}}
	if from.Read == 0 {
		err = p.readLast(streams)
	} else {
		err = p.readOn(streams, from)
	}
	if err != nil {
		return nil, from, fmt.Errorf("read logs of service %s: %w", svc.Name, err)
	}
	return p.lines, p.to, nil
}

// page is one call of Page.
type page struct {
	logs  *Logs
	svc   Service
	limit int // of lines that may still come
	bytes int // and of bytes
	lines []Line
	to    Place
}

// readLast gives the streams that were written to last the most of the page.
func (p *page) readLast(streams []Stream) error {
	streams = newest(streams)
	for _, s := range slices.Backward(streams) {
		c, err := p.cursor(s.Name, mark{})
		if err != nil {
			return err
		}
		data, err := p.tail(c, s)
		if err != nil {
			return err
		}
		p.lines = append(parse(s.Name, data), p.lines...)
		p.limit, p.bytes = p.limit-bytes.Count(data, []byte{'\n'}), p.bytes-len(data)
		p.to.Streams[s.Name] = c.mark()
	}
	return nil
}

// tail puts c behind the last line of the stream and returns as many lines up to there as the page may still have.
func (p *page) tail(c *cursor, s Stream) ([]byte, error) {
	unlock, err := p.logs.lock(unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer unlock()
	data, err := c.start(p.logs, max(p.limit, 0))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	if rest := int64(len(data) - whole); rest > 0 && rest <= c.offset && !p.isSettled(s) {
		c.offset, data = c.offset-rest, data[:whole]
	}
	if p.limit <= 0 || p.bytes <= 0 {
		return nil, nil
	}
	if extra := len(data) - p.bytes; extra > 0 {
		_, data, _ = bytes.Cut(data[extra:], []byte{'\n'})
	}
	data = ended(data)
	if bytes.Count(data, []byte{'\n'}) > p.limit { // the unfinished one is one more
		_, data, _ = bytes.Cut(data, []byte{'\n'})
	}
	return data, nil
}

func (p *page) isSettled(s Stream) bool { return time.Since(s.LastWrite) > settledLine }

// ended is data with an end to its last line.
func ended(data []byte) []byte {
	if len(data) == 0 || data[len(data)-1] == '\n' {
		return data
	}
	return append(slices.Clone(data), '\n')
}

// newest are those of the streams that a place can remember.
func newest(streams []Stream) []Stream { return streams[max(0, len(streams)-maxPlaces):] }

// readOn reads what came after the place. A stream that it does not know began later, or has been silent for so long that
// it was not worth remembering.
func (p *page) readOn(streams []Stream, from Place) error {
	streams = slices.DeleteFunc(streams, func(s Stream) bool {
		_, known := from.Streams[s.Name]
		return !known && s.LastWrite.UnixNano() <= from.Read
	})
	for _, s := range newest(streams) {
		c, err := p.cursor(s.Name, from.Streams[s.Name])
		if err != nil {
			return err
		}
		if p.limit > 0 && p.bytes > 0 {
			if err := p.next(c, s); err != nil {
				return err
			}
		}
		p.to.Streams[s.Name] = c.mark()
	}
	return nil
}

// next moves c behind the lines that the page may still have, which it adds to it.
func (p *page) next(c *cursor, s Stream) error {
	unlock, err := p.logs.lock(unix.LOCK_SH)
	if err != nil {
		return err
	}
	defer unlock()
	ahead := *c
	data, _, err := ahead.read(p.logs.cfg.Keep)
	if err != nil {
		return err
	}
	data = p.fit(data, s)
	c.skip(p.logs.cfg.Keep, int64(len(data)))
	p.lines = append(p.lines, parse(s.Name, ended(data))...)
	p.limit, p.bytes = p.limit-bytes.Count(ended(data), []byte{'\n'}), p.bytes-len(data)
	return nil
}

// fit cuts data to the lines that the page may still have: whole ones, unless the last one gets no end or is very long.
func (p *page) fit(data []byte, s Stream) []byte {
	end := 0
	for n := 0; n < p.limit && end < p.bytes; n++ {
		line := bytes.IndexByte(data[end:], '\n') + 1
		switch rest := len(data) - end; {
		case line > 0:
			end += line
		case rest > maxLine:
			end += maxLine
		case rest > 0 && p.isSettled(s):
			return data
		default:
			return data[:end]
		}
	}
	return data[:end]
}

func (p *page) cursor(stream string, at mark) (*cursor, error) {
	path, err := p.logs.path(p.svc, stream)
	return &cursor{live: path, newest: at.Part, offset: at.Offset}, err
}

func (t *cursor) mark() mark { return mark{t.newest, t.offset} }

// skip moves t on by so many bytes, which read has found to be there.
func (t *cursor) skip(keep int, n int64) {
	for _, part := range t.newerParts(keep) {
		rest := max(part.info.Size()-t.offset, 0)
		if n < rest {
			t.offset += n
			return
		}
		n -= rest
		t.offset, t.newest = max(t.offset-part.info.Size(), 0), idOf(part.info)
	}
	if info, err := os.Stat(t.live); err == nil && info.Size() < t.offset {
		t.offset = 0 // somebody else truncated it
	}
	t.offset += n
}

// parse makes lines of data that ends with a line's end.
func parse(stream string, data []byte) (lines []Line) {
	for text := range strings.Lines(string(data)) {
		line := Line{Stream: stream, Text: strings.TrimSuffix(text, "\n")}
		stamp, rest, _ := strings.Cut(line.Text, " ")
		if at, err := time.Parse(timeForm, stamp); err == nil && !strings.HasPrefix(stream, "instance/") {
			line.At, line.Text = at, rest
		}
		lines = append(lines, line)
	}
	return lines
}

// Encode writes the place for whoever keeps it.
func (p Place) Encode() ([]byte, error) { return json.Marshal(p) }

// DecodePlace reads what Encode has written.
func DecodePlace(text []byte) (p Place, err error) {
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("read a place in the logs: %w", err)
	}
	return p, nil
}

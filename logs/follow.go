package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	pollEvery = 200 * time.Millisecond
	maxPoll   = 4 << 20   // bytes read of one stream at once
	maxLine   = 256 << 10 // a longer line is handed out in pieces
)

// Follow writes the last lines lines of each chosen stream to w, and then every line that comes, through rotation,
// until ctx is done (nil) or w fails. A name that ends in "/" chooses all streams that begin with it, those that
// appear later included: "instance/", "deployment/". No name at all chooses every stream. When more than one stream
// can be chosen each line begins with its stream's name and a space. Lines come within about 200 ms, in order within
// a stream; w is written to by the calling goroutine, whole lines at a time.
func (l *Logs) Follow(ctx context.Context, w io.Writer, svc Service, lines int, streams ...string) error {
	if _, err := l.serviceDir(svc); err != nil {
		return err
	}
	f := &follow{logs: l, svc: svc, chosen: streams, lines: lines, cursors: map[string]*cursor{}}
	f.prefixed = len(streams) != 1 || strings.HasSuffix(streams[0], "/")
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		more, err := f.poll(w)
		if err != nil {
			return fmt.Errorf("follow logs of service %s: %w", svc.Name, err)
		}
		f.lines = -1 // streams that appear from now on are new: all of their lines count
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return f.writeRest(w)
		}
	}
}

// follow is one call of Follow.
type follow struct {
	logs     *Logs
	svc      Service
	chosen   []string
	prefixed bool
	lines    int // of a stream that is met now; -1: all
	cursors  map[string]*cursor
}

// cursor is the place in a stream up to which it was read: an offset in the live file as that was when newest was the
// newest rotated part. Bytes that a rotation has moved since are found by walking from the parts that are newer.
type cursor struct {
	live    string
	newest  partID // zero: there was no part
	offset  int64
	partial []byte // of a line whose end has not come
}

// partID tells rotated parts apart, in writing too: they are renamed, and otherwise left alone.
type partID struct {
	Inode   uint64 `json:"inode"`
	Written int64  `json:"written"` // Unix nanoseconds
}

func idOf(info os.FileInfo) partID {
	return partID{info.Sys().(*syscall.Stat_t).Ino, info.ModTime().UnixNano()}
}

// poll reads what is new in all streams. more: there is more already.
func (f *follow) poll(w io.Writer) (more bool, err error) {
	streams, err := f.logs.Streams(f.svc)
	if err != nil {
		return false, err
	}
	for _, s := range streams {
		if !isChosen(f.chosen, s.Name) {
			continue
		}
		data, again, err := f.read(s.Name)
		if err != nil {
			return false, err
		}
		more = more || again
		if err := f.write(w, s.Name, data); err != nil {
			return false, err
		}
	}
	return more, nil
}

func isChosen(chosen []string, stream string) bool {
	return len(chosen) == 0 || slices.ContainsFunc(chosen, func(c string) bool {
		return c == stream || strings.HasSuffix(c, "/") && strings.HasPrefix(stream, c)
	})
}

// read returns what the stream has got since the last read. Rotation is kept out meanwhile, writers are not.
func (f *follow) read(stream string) (data []byte, more bool, err error) {
	unlock, err := f.logs.lock(unix.LOCK_SH)
	if err != nil {
		return nil, false, err
	}
	defer unlock()
	if t := f.cursors[stream]; t != nil {
		return t.read(f.logs.cfg.Keep)
	}
	path, err := f.logs.path(f.svc, stream)
	if err != nil {
		return nil, false, err
	}
	t := &cursor{live: path}
	f.cursors[stream] = t
	if f.lines < 0 {
		return t.read(f.logs.cfg.Keep)
	}
	data, err = t.start(f.logs, f.lines)
	return data, false, err
}

// start puts t at the end of the stream and returns the last n lines before it, and what there is of the next.
func (t *cursor) start(l *Logs, n int) ([]byte, error) {
	if part, err := os.Stat(partName(t.live, 1)); err == nil {
		t.newest = idOf(part)
	}
	if info, err := os.Stat(t.live); err == nil {
		t.offset = info.Size()
	}
	data, err := l.readBack(t.live, n, t.offset)
	begin := bytes.LastIndexByte(data, '\n') + 1 // of the unfinished line
	for ; n > 0 && begin > 0; n-- {
		begin = bytes.LastIndexByte(data[:begin-1], '\n') + 1
	}
	return data[begin:], err
}

// read returns the bytes after t and moves t behind them.
func (t *cursor) read(keep int) (data []byte, more bool, err error) {
	for _, part := range t.newerParts(keep) {
		if data, err = t.readFile(part.name, part.info.Size(), data); err != nil || len(data) >= maxPoll {
			return data, true, err
		}
		t.offset -= part.info.Size()
		t.newest = idOf(part.info)
	}
	info, err := os.Stat(t.live)
	if errors.Is(err, fs.ErrNotExist) {
		return data, false, nil
	}
	if err != nil {
		return data, false, err
	}
	if info.Size() < t.offset {
		t.offset = 0 // somebody else truncated it
	}
	data, err = t.readFile(t.live, info.Size(), data)
	return data, len(data) >= maxPoll, err
}

type part struct {
	name string
	info os.FileInfo
}

// newerParts lists the parts that were made since, oldest first.
func (t *cursor) newerParts(keep int) []part {
	var newer []part
	for n := 1; n <= keep; n++ {
		info, err := os.Stat(partName(t.live, n))
		if err != nil || idOf(info) == t.newest {
			break
		}
		newer = append(newer, part{partName(t.live, n), info})
	}
	slices.Reverse(newer)
	return newer
}

// readFile appends the bytes from t.offset to size, as many as a poll may have, and moves the offset.
func (t *cursor) readFile(name string, size int64, data []byte) ([]byte, error) {
	length := min(size-t.offset, int64(maxPoll-len(data)))
	if length <= 0 {
		return data, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return data, err
	}
	defer f.Close()
	at := len(data)
	data = slices.Grow(data, int(length))[:at+int(length)]
	n, err := f.ReadAt(data[at:], t.offset)
	t.offset += int64(n)
	if err == io.EOF {
		err = nil // truncated meanwhile
	}
	return data[:at+n], err
}

// write hands out the whole lines of what is new in the stream.
func (f *follow) write(w io.Writer, stream string, data []byte) error {
	t := f.cursors[stream]
	t.partial = append(t.partial, data...)
	end := bytes.LastIndexByte(t.partial, '\n') + 1
	whole := t.partial[:end]
	if rest := len(t.partial) - end; rest > maxLine {
		whole, end = append(slices.Clone(t.partial), '\n'), len(t.partial)
	}
	if len(whole) == 0 {
		return nil
	}
	if f.prefixed {
		whole = prefixLines(stream+" ", whole)
	}
	_, err := w.Write(whole)
	t.partial = append(t.partial[:0], t.partial[end:]...)
	return err
}

func prefixLines(prefix string, data []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(data) {
		b.WriteString(prefix)
		b.Write(line)
	}
	return b.Bytes()
}

// writeRest ends the lines that have no end, when nothing more is waited for.
func (f *follow) writeRest(w io.Writer) error {
	for stream, t := range f.cursors {
		if len(t.partial) > 0 {
			if err := f.write(w, stream, []byte{'\n'}); err != nil {
				return err
			}
		}
	}
	return nil
}

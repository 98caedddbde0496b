package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// maxTail bounds what Tail reads, and holds in memory, of a stream.
const maxTail = 16 << 20

// Tail returns the last n lines of a stream, oldest first, without their ends, read from the end backwards through
// the rotated parts; of a stream with more than 16 MiB in n lines, the lines in its last 16 MiB. The first line of
// the oldest part may be a fragment. ErrNotFound if the stream never got a byte.
func (l *Logs) Tail(svc Service, stream string, n int) ([]string, error) {
	path, err := l.path(svc, stream)
	if err != nil {
		return nil, err
	}
	unlock, err := l.lock(unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer unlock()
	data, err := l.readBack(path, n, -1)
	if err != nil {
		return nil, fmt.Errorf("read log stream %s of service %s: %w", stream, svc.Name, err)
	}
	if data == nil {
		return nil, fmt.Errorf("log stream %s of service %s: %w", stream, svc.Name, ErrNotFound)
	}
	return lastLines(data, n), nil
}

func lastLines(data []byte, n int) []string {
	lines := bytes.Split(bytes.TrimSuffix(data, []byte{'\n'}), []byte{'\n'})
	if extra := len(lines) - n; extra > 0 {
		lines = lines[extra:]
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = string(line)
	}
	return out
}

// readBack returns an end of the stream that holds at least n whole lines, if there are as many. The stream ends at
// byte end of the live file, or with end < 0 where the file ends. nil: no byte at all.
func (l *Logs) readBack(live string, n int, end int64) ([]byte, error) {
	var blocks [][]byte // newest first
	total, newlines := 0, 0
	for part := 0; part <= l.cfg.Keep && newlines <= n && total < maxTail; part++ {
		name := live
		if part > 0 {
			name, end = partName(live, part), -1
		}
		err := eachBlockBack(name, end, func(b []byte) bool {
			blocks = append(blocks, b)
			total += len(b)
			newlines += bytes.Count(b, []byte{'\n'})
			return newlines <= n && total < maxTail
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if total == 0 {
		return nil, nil
	}
	data := make([]byte, 0, total)
	for i := len(blocks) - 1; i >= 0; i-- {
		data = append(data, blocks[i]...)
	}
	return data, nil
}

// eachBlockBack hands out the blocks of a file from end, or with end < 0 from its end, backwards until more says no.
func eachBlockBack(name string, end int64, more func([]byte) bool) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if end < 0 {
		if end, err = f.Seek(0, io.SeekEnd); err != nil {
			return err
		}
	}
	for end > 0 {
		b := make([]byte, min(end, 64<<10))
		if _, err := f.ReadAt(b, end-int64(len(b))); err != nil {
			return err
		}
		end -= int64(len(b))
		if !more(b) {
			break
		}
	}
	return nil
}

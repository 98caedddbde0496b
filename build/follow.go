package build

import (
	"fmt"
	"io"
	"os"
	"time"
)

const (
	pollEvery = 30 * time.Millisecond // a person sees no delay in it, and it costs one read of nothing
	readSize  = 256 << 10
	maxOutput = 256 << 20 // bytes that the commands of one stage may print
)

// errFlood says that a stage printed more than maxOutput.
var errFlood = fmt.Errorf("more than %d MiB of output", maxOutput>>20)

// tail reads a file that an instance appends to, while it does so.
type tail struct {
	f      *os.File
	out    io.Writer
	offset int64 // of what comes next
	total  int64 // bytes read
	buf    []byte
	given  int64 // bytes from the front whose blocks were given back
}

// newTail makes the file: the instance appends to what is there.
func newTail(path string, out io.Writer) (*tail, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return &tail{f: f, out: out, buf: make([]byte, readSize)}, nil
}

// follow hands on what is written until ended is closed and all is read. It is errFlood as soon as it is too much.
func (t *tail) follow(ended <-chan struct{}) error {
	defer t.f.Close()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for over := false; ; {
		if err := t.read(); err != nil {
			return err
		}
		if over {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			over = true
		}
	}
}

// read hands on what is there now.
func (t *tail) read() error {
	if err := t.rewind(); err != nil {
		return err
	}
	for {
		n, err := t.f.ReadAt(t.buf, t.offset)
		t.offset += int64(n)
		t.total += int64(n)
		_, _ = t.out.Write(t.buf[:n])
		switch {
		case t.total > maxOutput:
			return errFlood
		case err == io.EOF:
			t.drop()
			return nil
		case err != nil:
			return fmt.Errorf("read the output of the build: %w", err)
		}
	}
}

// rewind begins again where a command has emptied the file: `>/dev/stdout` in a shell does, for stdout is a file.
func (t *tail) rewind() error {
	info, err := t.f.Stat()
	if err != nil {
		return fmt.Errorf("read the output of the build: %w", err)
	}
	if info.Size() < t.offset {
		t.offset, t.given = 0, 0
	}
	return nil
}

// drop gives back the disk blocks of what was read, so that a talkative command fills no disk. Where the file system
// cannot, the file is removed with the build's directory.
func (t *tail) drop() {
	whole := t.offset &^ (readSize - 1)
	if whole <= t.given {
		return
	}
	t.given = whole
	giveBack(t.f, whole)
}

package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Request is what `apron upgrade` asks of the server.
type Request struct {
	Binary string        `json:"binary,omitempty"` // absolute path; "" is the one that the server was started from
	Limit  time.Duration `json:"limit"`            // for the new process, from its start until it serves
}

// line is what the server says about it; the last one has Done.
type line struct {
	Text  string `json:"text,omitempty"`
	Done  bool   `json:"done,omitempty"`
	Error string `json:"error,omitempty"`
}

const (
	doorFile  = "upgrade.sock"
	lineLimit = 5 * time.Second // for a line to be read, or a request to be written
)

// Door is the socket in the data directory by which `apron upgrade` asks. Only who may read the directory gets to it.
type Door struct {
	socket *net.UnixListener
	knock  func(ctx context.Context, r Request, say func(string)) error
	wg     sync.WaitGroup
}

// OpenDoor listens in the directory, which must be this process's alone: what another one has left there is removed. knock is
// called for each request; its error is the reason that the client is told.
func OpenDoor(dir string, knock func(ctx context.Context, r Request, say func(string)) error) (*Door, error) {
	if err := os.Remove(filepath.Join(dir, doorFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the last server's socket: %w", err)
	}
	d := &Door{knock: knock}
	err := inDir(dir, func(path string) (err error) {
		d.socket, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen for `apron upgrade`: %w", err)
	}
	d.socket.SetUnlinkOnClose(false) // by then the file may be the next process's
	d.wg.Go(d.serve)
	return d, nil
}

// inDir calls f with a short path of the socket: an address holds no more than 107 bytes.
func inDir(dir string, f func(path string) error) error {
	at, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer at.Close()
	return f(filepath.Join("/proc/self/fd", strconv.Itoa(int(at.Fd())), doorFile))
}

// Shut takes no more requests. Those under way go on.
func (d *Door) Shut() error { return d.socket.Close() }

// Wait returns when every request is answered.
func (d *Door) Wait() { d.wg.Wait() }

func (d *Door) serve() {
	for {
		c, err := d.socket.Accept()
		if err != nil {
			return
		}
		d.wg.Go(func() { d.answer(c) })
	}
}

func (d *Door) answer(c net.Conn) {
	defer c.Close()
	out := json.NewEncoder(c)
	say := func(l line) {
		_ = c.SetWriteDeadline(time.Now().Add(lineLimit)) // a client that has gone is no reason to stop
		_ = out.Encode(l)
	}
	var r Request
	_ = c.SetReadDeadline(time.Now().Add(lineLimit))
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		say(line{Done: true, Error: "the request could not be read: " + err.Error()})
		return
	}
	last := line{Done: true}
	if err := d.knock(context.Background(), r, func(text string) { say(line{Text: text}) }); err != nil {
		last.Error = err.Error()
	}
	say(last)
}

// ErrNoDoor says that no server listens for requests in the directory.
var ErrNoDoor = errors.New("no server that can hand over")

// Refused is the server's reason against what was asked.
type Refused struct{ Reason string }

func (e *Refused) Error() string { return e.Reason }

// Ask sends the request to the server of the directory and calls say with each line that it answers, until it is done or
// ctx is. The server's reason for a failure is a *Refused.
func Ask(ctx context.Context, dir string, r Request, say func(string)) error {
	c, err := knockAt(ctx, dir)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	if err := json.NewEncoder(c).Encode(r); err != nil {
		return lost(ctx, err)
	}
	for in := json.NewDecoder(c); ; {
		var l line
		if err := in.Decode(&l); err != nil {
			return lost(ctx, err)
		}
		switch {
		case l.Error != "":
			return &Refused{l.Error}
		case l.Done:
			return nil
		}
		say(l.Text)
	}
}

func knockAt(ctx context.Context, dir string) (c net.Conn, err error) {
	err = inDir(dir, func(path string) (err error) {
		c, err = new(net.Dialer).DialContext(ctx, "unix", path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDoor, err)
	}
	return c, nil
}

func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("the server has not said in time what became of it: %w", context.Cause(ctx))
	}
	return fmt.Errorf("the server went away before it said what became of it: %w", err)
}

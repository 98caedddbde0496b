package handover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Protocol is the version of what two processes say to each other. It changes when a process that speaks the version before
// could misunderstand, and stands in the first packet of both, whose form never changes.
const Protocol = 1

// Greeting is the first packet of each process.
type Greeting struct {
	Protocol int      `json:"protocol"`
	Version  string   `json:"version"`           // of the program
	Schema   int64    `json:"schema"`            // newest form of the data that the program knows
	PID      int      `json:"pid"`               // of the process
	Sockets  []string `json:"sockets,omitempty"` // names of the listening sockets that come with it
}

// understands refuses another version in words that the operator of either can act on.
func (g Greeting) understands(other Greeting) error {
	if other.Protocol == g.Protocol {
		return nil
	}
	return fmt.Errorf("apron %s speaks version %d of the handover and apron %s version %d; stop the one and start the other instead, "+
		"or go by a release between the two", g.Version, g.Protocol, other.Version, other.Protocol)
}

// offer greets as the old process: with the sockets. It returns the new one's greeting.
func (c *Conn) offer(ctx context.Context, g Greeting, sockets []syscall.Conn) (other Greeting, err error) {
	defer c.limit(ctx)()
	if err := send(c.socket, g, sockets); err != nil {
		return other, unlessDone(ctx, fmt.Errorf("greet the new process: %w", err))
	}
	if _, err := receive(c.socket, make([]byte, maxPacket), &other); err != nil {
		return other, unlessDone(ctx, fmt.Errorf("the new process did not answer the greeting: %w", err))
	}
	return other, g.understands(other)
}

// accept greets as the new process, and returns the old one's greeting and listening sockets by name. Both processes have the
// same sockets then.
func (c *Conn) accept(ctx context.Context, g Greeting) (other Greeting, sockets map[string]net.Listener, err error) {
	defer c.limit(ctx)()
	files, err := receive(c.socket, make([]byte, maxPacket), &other)
	if err != nil {
		return other, nil, unlessDone(ctx, fmt.Errorf("the old process did not greet: %w", err))
	}
	defer closeAll(files)
	if err := send(c.socket, g, nil); err != nil {
		return other, nil, unlessDone(ctx, fmt.Errorf("greet the old process: %w", err))
	}
	if err := g.understands(other); err != nil {
		return other, nil, err
	}
	sockets, err = listeners(other.Sockets, files)
	return other, sockets, err
}

func listeners(names []string, files []*os.File) (map[string]net.Listener, error) {
	if len(names) != len(files) {
		return nil, fmt.Errorf("the old process named %d sockets and sent %d", len(names), len(files))
	}
	found := map[string]net.Listener{}
	var errs []error
	for i, name := range names {
		l, err := net.FileListener(files[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("take over the socket %s: %w", name, err))
			continue
		}
		found[name] = l
	}
	return found, errors.Join(errs...)
}

// limit ends reads and writes of the greeting with ctx, until what it returns is called.
func (c *Conn) limit(ctx context.Context) (end func()) {
	stop := context.AfterFunc(ctx, func() { _ = c.socket.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			return
		}
		_ = c.socket.SetDeadline(time.Unix(1, 0)) // it is over for good
	}
}

func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

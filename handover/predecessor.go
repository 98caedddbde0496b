package handover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

// Predecessor is the process that started this one to take over.
type Predecessor struct {
	*Conn
	Greeting Greeting                // what it said of itself
	Sockets  map[string]net.Listener // on which it listens, by name
}

// Inherited greets the process that started this one to take over from it; it is nil when none has. It blocks at most until
// ctx is done.
func Inherited(ctx context.Context, g Greeting) (*Predecessor, error) {
	text, ok := os.LookupEnv(envSocket)
	if !ok {
		return nil, nil
	}
	_ = os.Unsetenv(envSocket) // what this process starts is no server
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s is %q and must be the number of a file; it is set by `apron upgrade` and nobody else", envSocket, text)
	}
	syscall.CloseOnExec(fd)
	socket, err := unixConn(os.NewFile(uintptr(fd), "handover"))
	if err != nil {
		return nil, fmt.Errorf("%w; %s is set by `apron upgrade` and nobody else", err, envSocket)
	}
	p := &Predecessor{Conn: newConn(socket)}
	if p.Greeting, p.Sockets, err = p.accept(ctx, g); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return p, nil
}

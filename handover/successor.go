package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// envSocket tells a new process which of its files leads to the old one.
const envSocket = "APRON_HANDOVER"

// Successor is the process that is to take over.
type Successor struct {
	*Conn
	Greeting Greeting // what it said of itself

	path  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended and how is set
	how   string
}

// Program is what to start. It has this process's environment and standard files.
type Program struct {
	Path string
	Args []string
}

// Begin starts the program and greets it with the sockets, which both processes have then. It blocks until the new
// process has answered, at most until ctx is done. After an error no process is left.
func Begin(ctx context.Context, program Program, g Greeting, named map[string]syscall.Conn) (*Successor, error) {
	ours, theirs, err := sockets()
	if err != nil {
		return nil, err
	}
	s := &Successor{Conn: newConn(ours), path: program.Path, ended: make(chan struct{})}
	err = s.run(program, theirs)
	_ = theirs.Close() // it is the new process's alone, so that its end is seen
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	var files []syscall.Conn
	for name, socket := range named {
		g.Sockets, files = append(g.Sockets, name), append(files, socket)
	}
	if s.Greeting, err = s.offer(ctx, g, files); err != nil {
		defer s.Kill()
		return nil, s.explain(err)
	}
	return s, nil
}

func (s *Successor) run(program Program, theirs *os.File) error {
	s.cmd = exec.Command(program.Path, program.Args...)
	s.cmd.Env = append(os.Environ(), envSocket+"=3")
	s.cmd.ExtraFiles = []*os.File{theirs} // the first of which is 3
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", program.Path, err)
	}
	go func() {
		s.how = "exit status 0"
		if err := s.cmd.Wait(); err != nil {
			s.how = err.Error()
		}
		close(s.ended)
	}()
	return nil
}

// PID is the process's.
func (s *Successor) PID() int { return s.cmd.Process.Pid }

// endWait is how long a process that has closed its socket may take to end, so that its end can be told.
const endWait = time.Second

// explain finds the reason of an error that may be the end of the process, which is the better one then. Where it stands, the
// server's log has what the process said.
func (s *Successor) explain(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, ErrGone) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		return err
	}
	select {
	case <-s.ended:
		return fmt.Errorf("the new process ended with %s; what it said is in the server's log", s.how)
	case <-time.After(endWait):
		return err
	}
}

// Gone is the error that tells how the process has ended or given up. It may wait a second to find out.
func (s *Successor) Gone() error { return s.explain(ErrGone) }

// Kill ends the process and returns when it is gone, with everything that it held.
func (s *Successor) Kill() {
	_ = s.Conn.Close()
	_ = s.cmd.Process.Kill() // or it has ended
	<-s.ended
}

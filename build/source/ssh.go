package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshConn is one run of git-upload-pack on the other machine.
type sshConn struct {
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	said    *said
	stop    func() bool
}

// dialSSH blocks until the server runs git-upload-pack. What ctx ends, ends the connection.
func (f *Fetcher) dialSSH(ctx context.Context, a address, cred *Credential, d *dialer) (*sshConn, error) {
	config, err := f.sshConfig(a, cred)
	if err != nil {
		return nil, err
	}
	nc, err := d.dial(ctx, "tcp", a.hostPort())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(30 * time.Second))
	conn, chans, reqs, err := ssh.NewClientConn(nc, a.hostPort(), config)
	if err != nil {
		stop()
		nc.Close()
		return nil, err
	}
	_ = nc.SetDeadline(time.Time{})
	c := &sshConn{client: ssh.NewClient(conn, chans, reqs), said: &said{}, stop: stop}
	if err := c.start(a.path); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (f *Fetcher) sshConfig(a address, cred *Credential) (*ssh.ClientConfig, error) {
	config := &ssh.ClientConfig{User: a.user, ClientVersion: "SSH-2.0-" + strings.ReplaceAll(agent, "/", "_")}
	var known []byte
	if cred != nil {
		known = cred.KnownHosts
		if len(cred.PrivateKey) > 0 {
			key, err := ssh.ParsePrivateKey(cred.PrivateKey)
			if err != nil {
				return nil, refuse("the connection's SSH key cannot be read; give it again with `apron connection authorize --ssh-key FILE`")
			}
			config.Auth = []ssh.AuthMethod{ssh.PublicKeys(key)}
		}
	}
	check, algorithms, err := f.hosts.check(a, known)
	config.HostKeyCallback, config.HostKeyAlgorithms = check, algorithms
	return config, err
}

func (c *sshConn) start(path string) (err error) {
	if c.session, err = c.client.NewSession(); err != nil {
		return err
	}
	if c.in, err = c.session.StdinPipe(); err != nil {
		return err
	}
	if c.out, err = c.session.StdoutPipe(); err != nil {
		return err
	}
	c.session.Stderr = c.said
	_ = c.session.Setenv("GIT_PROTOCOL", "version=2") // servers that do not let it through speak the older protocol
	return c.session.Start("git-upload-pack '" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'")
}

func (c *sshConn) advertisement() io.Reader { return c.out }

func (c *sshConn) ask(_ context.Context, question []byte) (io.ReadCloser, error) {
	if _, err := c.in.Write(question); err != nil {
		return nil, err
	}
	return io.NopCloser(c.out), nil
}

// reason adds what the server wrote to its error output when it ended: the only place where it says why.
func (c *sshConn) reason(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	done := make(chan struct{})
	go func() { _ = c.session.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	if text := c.said.String(); text != "" {
		return &saidError{text}
	}
	return err
}

func (c *sshConn) Close() error {
	c.stop()
	if c.session != nil {
		c.session.Close()
	}
	if err := c.client.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// maxSaid is how much of a server's own words an error quotes.
const maxSaid = 300

// said keeps the first words that a server writes beside its answer.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(p[:min(len(p), max(0, maxSaid-s.buf.Len()))])
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(s.buf.String())
}

// saidError is a server's own words in the place of an answer.
type saidError struct{ text string }

func (e *saidError) Error() string { return e.text }

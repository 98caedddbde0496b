package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is the way between two server processes. Each may ask the other, many questions at a time. Its methods may be called
// from many goroutines.
type Conn struct {
	socket  *net.UnixConn
	answers Answers
	done    chan struct{} // closed when the other process is gone, or was given up

	mu      sync.Mutex
	last    uint64 // id of the newest question
	pending map[uint64]chan reply
	under   map[uint64]context.CancelFunc // questions of the other process that are being answered
}

// Answers are the questions that a process answers, by name. A question that is not among them is answered with an error.
type Answers map[string]func(ctx context.Context, q Question) (Answer, error)

// Question is what the other process asked. ctx of its func is done when that no longer wants to know, or is gone.
type Question struct{ body json.RawMessage }

// Decode reads what came with the question.
func (q Question) Decode(into any) error { return json.Unmarshal(q.body, into) }

// Answer is what goes back. Sockets are sent along, and closed here after that if Close says so.
type Answer struct {
	Body    any
	Sockets []syscall.Conn
	Close   func() error // called when the answer was sent, or could not be
}

// message is a packet after the greeting. Exactly one of Ask, Answer and Cancel says what it is.
type message struct {
	Ask    string          `json:"ask,omitempty"`
	ID     uint64          `json:"id,omitempty"`     // of the question that Ask is
	Answer uint64          `json:"answer,omitempty"` // id of the question that this answers
	Cancel uint64          `json:"cancel,omitempty"` // id of the question that needs no answer any more
	Error  string          `json:"error,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
}

type reply struct {
	message
	files []*os.File
}

// ErrGone is the cause of calls that end because the other process has ended or was given up.
var ErrGone = errors.New("the other server process is gone")

func newConn(socket *net.UnixConn) *Conn {
	return &Conn{
		socket: socket, done: make(chan struct{}),
		pending: map[uint64]chan reply{}, under: map[uint64]context.CancelFunc{},
	}
}

// Start begins to read what the other process says, and to answer it. It is called once, after the greeting.
func (c *Conn) Start(answers Answers) {
	c.answers = answers
	go c.read()
}

// Done is closed when the other process is gone, or Close was called.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close gives the other process up. It sees the same as if this one had ended.
func (c *Conn) Close() error { return c.socket.Close() }

// lateLimit is how long an answer may take that nobody waits for any more.
const lateLimit = 7 * time.Second

// Ask asks and waits for the answer. When ctx is done the other process is told, and has some seconds to end what it does and
// to answer even so; one that stays silent is given up. The files of the answer are the caller's. Errors are ErrGone and
// whatever the other process said.
func (c *Conn) Ask(ctx context.Context, what string, body, answer any) ([]*os.File, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	id, answered := c.expect()
	defer c.forget(id, answered)
	if err := c.send(message{Ask: what, ID: id, Body: text}, nil); err != nil {
		return nil, err
	}
	select {
	case r := <-answered:
		return r.result(answer)
	case <-c.done:
		return nil, ErrGone
	case <-ctx.Done():
		return c.insist(id, answered, answer)
	}
}

func (c *Conn) insist(id uint64, answered chan reply, answer any) ([]*os.File, error) {
	_ = c.send(message{Cancel: id}, nil)
	select {
	case r := <-answered:
		return r.result(answer)
	case <-c.done:
	case <-time.After(lateLimit):
		_ = c.Close()
	}
	return nil, ErrGone
}

func (r reply) result(into any) ([]*os.File, error) {
	var err error
	switch {
	case r.Error != "":
		err = errors.New(r.Error)
	case into != nil:
		err = json.Unmarshal(r.Body, into)
	}
	if err != nil {
		closeAll(r.files)
		return nil, err
	}
	return r.files, nil
}

func (c *Conn) expect() (uint64, chan reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	answered := make(chan reply, 1)
	c.pending[c.last] = answered
	return c.last, answered
}

// forget closes what came too late.
func (c *Conn) forget(id uint64, answered chan reply) {
	c.mu.Lock()
	delete(c.pending, id)
	c.mu.Unlock()
	select {
	case r := <-answered:
		closeAll(r.files)
	default:
	}
}

func (c *Conn) send(m message, files []syscall.Conn) error {
	err := send(c.socket, m, files)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) {
		return ErrGone
	}
	return err
}

// read ends with the connection, and with it everything that was asked and is being answered.
func (c *Conn) read() {
	defer c.end()
	buf := make([]byte, maxPacket)
	for {
		var m message
		files, err := receive(c.socket, buf, &m)
		if err != nil {
			return
		}
		if m.Answer == 0 {
			closeAll(files) // files come in answers alone
		}
		switch {
		case m.Answer != 0:
			c.take(reply{m, files})
		case m.Cancel != 0:
			c.cancel(m.Cancel)
		default:
			c.begin(m)
		}
	}
}

func (c *Conn) end() {
	_ = c.socket.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cancel := range c.under {
		cancel()
	}
	close(c.done)
}

func (c *Conn) take(r reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answered := c.pending[r.Answer]
	if answered == nil {
		closeAll(r.files) // nobody waits for it any more
		return
	}
	delete(c.pending, r.Answer)
	answered <- r // under the lock, so that forget finds it
}

func (c *Conn) cancel(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.under[id]; cancel != nil {
		cancel()
	}
}

// begin answers the question in a goroutine of its own.
func (c *Conn) begin(m message) {
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	c.under[m.ID] = cancel
	c.mu.Unlock()
	go func() {
		defer func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.under, m.ID)
			cancel()
		}()
		c.answer(ctx, m)
	}()
}

func (c *Conn) answer(ctx context.Context, m message) {
	var a Answer
	err := fmt.Errorf("the other server process does not know the question %q", m.Ask)
	if f := c.answers[m.Ask]; f != nil {
		a, err = f(ctx, Question{m.Body})
	}
	out := message{Answer: m.ID}
	if err == nil {
		out.Body, err = json.Marshal(a.Body)
	}
	if err != nil {
		out.Error, out.Body, a.Sockets = err.Error(), nil, nil
	}
	if err := c.send(out, a.Sockets); err != nil && !errors.Is(err, ErrGone) {
		_ = c.send(message{Answer: m.ID, Error: err.Error()}, nil) // such as an answer that is too long
	}
	if a.Close != nil {
		_ = a.Close()
	}
}

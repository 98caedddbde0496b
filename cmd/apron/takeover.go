package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"apron/driver"
	"apron/handover"
	"apron/proxy"
)

// inherit greets the process that has started this one to take over; nil when none has.
func (h *host) inherit(ctx context.Context) (*handover.Predecessor, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, fmt.Errorf("the old process did not greet within %v", readyLimit))
	defer cancel()
	from, err := handover.Inherited(ctx, h.greeting())
	if err != nil {
		return nil, fmt.Errorf("take over from another process: %w", err)
	}
	return from, nil
}

// releaseLimit is how long the old process may take to end its control plane.
const releaseLimit = 5 * time.Minute

// takeOver takes charge after the process that has started this one, which goes on with the connections that it has. Until the last
// step that can fail nothing is accepted here, so that nothing is lost with this process.
func (h *host) takeOver(ctx context.Context, from *handover.Predecessor) (err error) {
	from.Start(h.followerAnswers())
	defer func() {
		if err != nil {
			ask, cancel := context.WithTimeout(context.Background(), askLimit)
			defer cancel()
			_, _ = from.Ask(ask, askFail, err.Error(), nil) // or it is gone
		}
	}()
	if err := h.checkHost(); err != nil {
		return err
	}
	if h.front, err = openFront(ctx, h.cfg, h.log, from.Sockets); err != nil {
		return err
	}
	crashAt("new ready")
	if h.data, err = takeData(ctx, h.cfg.Data, from); err != nil {
		return err
	}
	crashAt("new has the data")
	h.before = from
	h.front.proxy.Lead(follower{from.Conn})
	if err := h.takeCharge(ctx); err != nil {
		return err
	}
	h.front.proxy.Restate()
	crashAt("new recovered")
	if err := tell(ctx, from, askServe); err != nil {
		return err
	}
	crashAt("new in charge")
	go h.accept()
	if err := h.open(); err != nil {
		return err
	}
	crashAt("new found")
	return tell(ctx, from, askServes)
}

func takeData(ctx context.Context, path string, from *handover.Predecessor) (*dataDir, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, releaseLimit, fmt.Errorf("the old process did not let go of the data within %v", releaseLimit))
	defer cancel()
	files, err := from.Ask(ctx, askData, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("get the data from the old process: %w", err)
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("the old process sent %d locks of the data directory", len(files))
	}
	return &dataDir{path: path, lock: files[0]}, nil
}

// tell tells the old process how far this one is. If it is gone, this one goes on all the same: nobody else has the data.
func tell(ctx context.Context, from *handover.Predecessor, what string) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if _, err := from.Ask(ctx, what, nil, nil); err != nil && !errors.Is(err, handover.ErrGone) {
		return fmt.Errorf("tell the old process that this one serves: %w", err)
	}
	return nil
}

// follower is the proxy of the process before this one.
type follower struct{ conn *handover.Conn }

func (f follower) Follow(ctx context.Context, c proxy.Change) error {
	_, err := f.conn.Ask(ctx, askChange, c, nil)
	if errors.Is(err, handover.ErrGone) {
		return proxy.ErrLost
	}
	return err
}

// followerAnswers are what the old process may ask.
func (h *host) followerAnswers() handover.Answers {
	return handover.Answers{
		askConnect: func(ctx context.Context, q handover.Question) (handover.Answer, error) {
			var instanceID string
			if err := q.Decode(&instanceID); err != nil {
				return handover.Answer{}, err
			}
			return h.connect(ctx, instanceID), nil
		},
		askDemand: func(_ context.Context, q handover.Question) (handover.Answer, error) {
			var service string
			if err := q.Decode(&service); err != nil {
				return handover.Answer{}, err
			}
			h.front.demand(service)
			return handover.Answer{}, nil
		},
		askKnown: func(ctx context.Context, q handover.Question) (handover.Answer, error) {
			var ids []string
			if err := q.Decode(&ids); err != nil {
				return handover.Answer{}, err
			}
			found, err := h.front.requested(ctx, ids)
			return handover.Answer{Body: found}, err
		},
		askLoads: func(_ context.Context, q handover.Question) (handover.Answer, error) {
			var loads proxy.Loads
			if err := q.Decode(&loads); err != nil {
				return handover.Answer{}, err
			}
			h.front.proxy.NoteLoads(loads)
			return handover.Answer{}, nil
		},
	}
}

// connected is what comes of askConnect; the socket stands beside it when there is no error.
type connected struct {
	Gone    bool   `json:"gone,omitempty"`    // driver.ErrNotFound
	Refused bool   `json:"refused,omitempty"` // ECONNREFUSED
	Error   string `json:"error,omitempty"`
}

// connect answers with a socket that is connected to the instance.
func (h *host) connect(ctx context.Context, instanceID string) handover.Answer {
	c, err := h.front.dial(ctx, instanceID)
	if err != nil {
		return handover.Answer{Body: connected{
			Gone: errors.Is(err, driver.ErrNotFound), Refused: errors.Is(err, syscall.ECONNREFUSED), Error: err.Error(),
		}}
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return handover.Answer{Body: connected{Error: fmt.Sprintf("a %T cannot be handed over", c)}, Close: c.Close}
	}
	return handover.Answer{Body: connected{}, Sockets: []syscall.Conn{socket}, Close: c.Close}
}

// dialThrough gets a connection to an instance from the process that is in charge.
func dialThrough(ctx context.Context, leader *handover.Conn, instanceID string) (net.Conn, error) {
	var what connected
	files, err := leader.Ask(ctx, askConnect, instanceID, &what)
	switch {
	case err != nil:
		return nil, err
	case what.Gone:
		return nil, driver.ErrNotFound
	case what.Refused:
		return nil, fmt.Errorf("%w: %s", syscall.ECONNREFUSED, what.Error)
	case what.Error != "":
		return nil, errors.New(what.Error)
	case len(files) != 1:
		return nil, io.ErrUnexpectedEOF
	}
	return tcp(files[0])
}

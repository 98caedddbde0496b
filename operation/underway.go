package operation

import (
	"context"
	"errors"
)

// errInterrupted ends the step under way of an operation that was cancelled; the store has who asked for it.
var errInterrupted = errors.New("the operation was cancelled")

// underway is an operation that a goroutine works on.
type underway struct {
	step      string                  // that is being tried
	interrupt context.CancelCauseFunc // nil on the way back, which nobody may cut short
}

// Interrupt tells the worker that the operation was cancelled in the store, so that a step that waits need not be waited
// for. An operation that has not begun, or is on its way back, finds out by itself. It never blocks.
func (w *Worker) Interrupt(operationID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u := w.underway[operationID]; u != nil && u.interrupt != nil {
		u.interrupt(errInterrupted)
	}
}

// interruptible returns the context of the way forward, which Interrupt ends, and what to call at the end of the way.
func (r *run) interruptible(ctx context.Context) (ahead context.Context, arrive func()) {
	ahead, interrupt := context.WithCancelCause(ctx)
	r.setInterrupt(interrupt)
	return ahead, func() {
		r.setInterrupt(nil)
		interrupt(nil)
	}
}

func (r *run) setInterrupt(f context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u := r.underway[r.op.ID()]; u != nil {
		u.interrupt = f
	}
}

// begin makes the operation known to Interrupt and Progress until done is called.
func (r *run) begin() (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.underway[r.op.ID()] = &underway{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.underway, r.op.ID())
	}
}

func (r *run) setStep(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u := r.underway[r.op.ID()]; u != nil {
		u.step = name
	}
}

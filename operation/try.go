package operation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// tries is how often a step is tried before the operation is given up; between tries it waits, doubling from
// firstWait: about three seconds in all, because a client waits and whatever heals by itself heals in that time.
const (
	tries     = 5
	firstWait = 200 * time.Millisecond
)

// try calls f until it succeeds, says that more tries are of no use, or has been called often enough.
func (r *run) try(ctx context.Context, name string, within time.Duration, f func(context.Context, *run) error) error {
	r.setStep(name)
	wait := firstWait
	for n := 1; ; n++ {
		begin := time.Now()
		err := r.call(ctx, name, within, f)
		if err == nil {
			r.log.Info("step done", "step", name, "duration", time.Since(begin))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.log.Warn("step failed", "step", name, "try", n, "duration", time.Since(begin), "error", r.reason(err))
		if isAbort(err) || n == tries {
			return err
		}
		sleep(ctx, wait+rand.N(wait/2))
		wait *= 2
	}
}

// call is one try. A panic ends the operation, not the server, which would meet it again after every start.
func (r *run) call(ctx context.Context, name string, within time.Duration, f func(context.Context, *run) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("step panicked", "step", name, "panic", r.hide(fmt.Sprint(p)), "stack", string(debug.Stack()))
			err = Abort(fmt.Errorf("apron has a defect in step %s; its log has the stack, please report it", name))
		}
	}()
	within = cmp.Or(within, patience) + r.cfg.Limits.all()
	late := fmt.Errorf("step %s took longer than %v", name, within)
	ctx, cancel := context.WithTimeoutCause(ctx, within, late)
	defer cancel()
	err = r.relieve(ctx, f(ctx, r))
	// A call inside may have had a deadline of its own; only this step's says more than the error does.
	if errors.Is(err, context.DeadlineExceeded) && context.Cause(ctx) == late {
		return late
	}
	return err
}

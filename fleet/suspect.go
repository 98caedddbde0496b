package fleet

import (
	"context"
	"time"
)

// untilProbe waits for the next probe, and tells whether the data plane asked for it.
func (i *instance) untilProbe(ctx context.Context, pause time.Duration) (suspected bool, err error) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-i.suspect:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// Suspect has an instance that the data plane saw fail probed at once, and again in quick succession until it answers or has
// failed as often in a row as its health check allows. It does not wait for that; one that is not known is nobody's concern.
func (f *Fleet) Suspect(instanceID string) {
	f.mu.Lock()
	i := f.instances[instanceID]
	f.mu.Unlock()
	if i == nil {
		return
	}
	select {
	case i.suspect <- struct{}{}:
	default:
	}
}

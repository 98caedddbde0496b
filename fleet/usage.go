package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"apron/driver"
)

// Usage is what one instance takes of the machine.
type Usage struct {
	Instance
	StartedAt   time.Time // of the program; zero before it was started
	CPU         time.Duration
	CPULimit    int   // units, 1024 a vCPU, while it has requests
	Memory      int64 // bytes
	MemoryLimit int64 // bytes; over it, the instance is ended
}

// Usage lists what the service's instances use just now, oldest first. One that is being made, or is gone since it was
// listed, uses nothing.
func (f *Fleet) Usage(ctx context.Context, service string) ([]Usage, error) {
	var list []Usage
	for _, i := range f.Instances(service) {
		found, err := f.cfg.Driver.Inspect(ctx, i.ID)
		if err != nil && !errors.Is(err, driver.ErrNotFound) {
			return nil, fmt.Errorf("inspect instance %s: %w", i.ID, err)
		}
		list = append(list, Usage{
			Instance: i, StartedAt: found.StartedAt,
			CPU: found.Usage.CPU, CPULimit: found.Spec.CPU, Memory: found.Usage.Memory, MemoryLimit: int64(found.Spec.Memory) << 20,
		})
	}
	return list, nil
}

package source

import (
	"context"
	"fmt"
	"time"
)

func (l Limits) orDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	if l.Files == 0 {
		l.Files = 200_000
	}
	if l.Time == 0 {
		l.Time = 10 * time.Minute
	}
	return l
}

// maxDelta is the largest object that may be sent as a difference, or changed by one: they are put together in memory.
const maxDelta = 128 << 20

// packLimits is what one pack may hold.
type packLimits struct {
	sent     int64 // bytes of the pack
	objects  int
	inflated int64 // bytes of all objects
	whole    int64 // bytes of one object
}

// pack allows for the history that comes with a repository when its server cannot leave it out.
func (l Limits) pack(history bool) packLimits {
	p := packLimits{sent: l.Bytes, objects: 2*l.Files + 1000, inflated: l.Bytes + 64<<20, whole: l.Bytes}
	if history {
		p.objects, p.inflated = 5*l.Files, 8*l.Bytes
	}
	return p
}

// tooLarge says which limit stopped a repository.
func tooLarge(what string, limit int64) *Error {
	return refuse("the repository is too large: %s, and the limit is %s; keep large files out of it or in Git LFS, or have the operator raise the limit", what, size(limit))
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<28) == 0:
		return fmt.Sprintf("%.4g GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.4g MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.4g KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

// within gives a context that ends after the limit, with a cause that says so.
func within(ctx context.Context, limit time.Duration, a address) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, refuse("%s did not answer in full within %v; check the server and the network between, or make the repository smaller", a, limit))
}

package source

import (
	"context"
	"time"

	"github.com/go-git/go-git/v6/plumbing"
)

// maxHeadTime is how long a server may take to say where a branch is.
const maxHeadTime = time.Minute

// Head gives the commit that the branch points to: one question to the server, nothing is fetched. It blocks for up to a
// minute. Errors are *Error where the user can mend them.
func (f *Fetcher) Head(ctx context.Context, r Remote) (commit string, err error) {
	defer f.contain(&err)
	o, err := f.parse(r)
	if err != nil {
		return "", err
	}
	ctx, cancel := within(ctx, min(maxHeadTime, f.cfg.Limits.Time), o.at)
	defer cancel()
	j := &job{f: f, origin: o}
	defer j.reset()
	id, err := j.head(ctx)
	if err != nil {
		return "", f.explain(ctx, err, o)
	}
	return id.String(), nil
}

// Fetch gives the files of the branch's head. The service's id names the mirror that keeps what was fetched for the next
// time; a head that is there already costs that one question. It blocks for up to Limits.Time, not counting other fetches
// for the same service that it waits for.
func (f *Fetcher) Fetch(ctx context.Context, service string, r Remote) (Checkout, error) {
	return f.do(ctx, service, r, (*job).head)
}

// Checkout gives the files of that very commit, whether or not the branch has moved on: from the mirror when it is there,
// else from the server, as long as the server still has it. It blocks for up to Limits.Time, as Fetch does.
func (f *Fetcher) Checkout(ctx context.Context, service string, r Remote, commit string) (Checkout, error) {
	return f.do(ctx, service, r, func(j *job, _ context.Context) (plumbing.Hash, error) {
		j.fixed = true
		return parseHash(commit)
	})
}

func (f *Fetcher) do(ctx context.Context, service string, r Remote, which func(*job, context.Context) (plumbing.Hash, error)) (c Checkout, err error) {
	defer f.contain(&err)
	j, err := f.begin(ctx, service, r)
	if err != nil {
		return Checkout{}, err
	}
	defer j.end()
	ctx, cancel := within(ctx, f.cfg.Limits.Time, j.origin.at)
	defer cancel()
	id, err := which(j, ctx)
	if err != nil {
		return Checkout{}, f.explain(ctx, err, j.origin)
	}
	if c, err = j.checkout(ctx, id); err != nil {
		return Checkout{}, f.explain(ctx, err, j.origin)
	}
	return c, nil
}

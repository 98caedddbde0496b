package runtimes

import (
	"context"
	"errors"
	"strings"
	"time"

	"apron/image"
)

const (
	// fresh is how long what a registry said of a tag is believed: a row of deployments does not wait for it each time, and
	// no registry's limit on requests is met.
	fresh = 10 * time.Minute
	// unreachable is how long a registry is not asked again that has not answered.
	unreachable = time.Minute

	defaultReach = 8 * time.Second
)

// pulled is a base from a registry out there.
func (b *Bases) pulled(ctx context.Context, rt Runtime, ref, lock string, line func(string)) (Base, error) {
	r, err := b.locate(ctx, ref, line)
	if err != nil {
		return Base{}, explain(err)
	}
	if _, err := b.cfg.Images.Image(ctx, r.Digest); err != nil {
		line("Pulling base image " + ref + ".")
	}
	// By digest: it is what was asked about, and an image that is here needs no registry.
	if _, err := b.cfg.Images.Pull(ctx, pinned(ref, r.Digest), b.auth(ref)); err != nil {
		return Base{}, explain(err)
	}
	r.Used = time.Now()
	if err := writeJSON(b.recordFile(ref), r); err != nil {
		return Base{}, err
	}
	return b.baseOf(ctx, rt, r.Digest, ref, lock)
}

// locate says which image a reference means now. When its registry does not answer, it is the one that it meant before, if
// that is here.
func (b *Bases) locate(ctx context.Context, ref string, line func(string)) (record, error) {
	known, err := b.record(ref)
	if err != nil {
		return record{}, err
	}
	here := false
	if known.Digest != "" {
		_, err := b.cfg.Images.Image(ctx, known.Digest)
		here = err == nil
	}
	if here && b.isSettled(ctx, known) {
		return known, nil
	}
	digest, err := b.ask(ctx, ref)
	_, silent := errors.AsType[*image.UnreachableError](err)
	switch {
	case silent && here && ctx.Err() == nil:
		line("Using the copy of base image " + ref + " of " + known.Resolved.UTC().Format(time.DateTime) + " UTC: " + err.Error() + ".")
		return known, nil
	case err != nil:
		return record{}, err
	}
	return record{Ref: ref, Digest: digest, Resolved: time.Now()}, nil
}

// isSettled reports whether the registry need not be asked: a digest means the same for ever, a tag most likely what it
// meant just now. The embedded registry costs nothing to ask, by whichever name it is meant.
func (b *Bases) isSettled(ctx context.Context, r record) bool {
	if strings.Contains(r.Ref, "@") {
		return true
	}
	_, _, ours := b.cfg.Images.Account("").Local(ctx, r.Ref)
	return time.Since(r.Resolved) < fresh && !ours
}

// ask asks a reference's registry within Config.Reach, unless it has just failed to answer.
func (b *Bases) ask(ctx context.Context, ref string) (string, error) {
	host, _, _ := strings.Cut(ref, "/")
	if err := b.silence(host); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Reach)
	defer cancel()
	digest, err := b.cfg.Images.Resolve(ctx, ref, b.auth(ref))
	if silent, ok := errors.AsType[*image.UnreachableError](err); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.silent[host] = silence{since: time.Now(), err: silent}
	}
	return digest, err
}

// silence is a registry that did not answer.
type silence struct {
	since time.Time
	err   error
}

func (b *Bases) silence(host string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.silent[host]; ok && time.Since(s.since) < unreachable {
		return s.err
	}
	delete(b.silent, host)
	return nil
}

// askAgain forgets which registries did not answer, for somebody who has just seen to it.
func (b *Bases) askAgain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.silent)
}

func (b *Bases) auth(ref string) *image.Auth {
	if b.cfg.Auth == nil {
		return nil
	}
	return b.cfg.Auth(ref)
}

// pinned names an image of a reference's repository by its digest.
func pinned(ref, digest string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndex(ref, ":"); i > strings.LastIndex(ref, "/") {
		ref = ref[:i]
	}
	return ref + "@" + digest
}

package runtimes

import (
	"context"
	"slices"
	"time"
)

// built finds the newest base in the embedded registry that fits the lock; ok is false if there is none. others are the
// versions of those that do not fit.
func (b *Bases) built(ctx context.Context, account string, rt Runtime, lock string) (base Base, others []string, ok bool, err error) {
	owner, tag, others, err := b.newestBuilt(ctx, account, rt, lock)
	if tag == "" || err != nil {
		return Base{}, others, false, err
	}
	base, err = b.builtAs(ctx, owner, rt, tag)
	return base, others, err == nil, err
}

// newestBuilt is the tag that built takes and whose it is; "" if there is none.
func (b *Bases) newestBuilt(ctx context.Context, account string, rt Runtime, lock string) (owner, tag string, others []string, err error) {
	for _, owner := range b.owners(account) {
		tags, err := b.cfg.Images.Account(owner).Tags(ctx, Repository(rt.Name))
		if err != nil {
			return "", "", nil, err
		}
		slices.SortFunc(tags, func(a, b string) int { return newer(b, a) })
		for _, tag := range tags {
			if fits(lock, tag) && fits(rt.Line, tag) {
				return owner, tag, others, nil
			}
			others = append(others, tag)
		}
	}
	return "", "", others, nil
}

// owners are the accounts whose bases an account builds on. "" is the directory's first.
func (b *Bases) owners(account string) []string {
	if b.cfg.Images.Account(account) == b.cfg.Images.Account("") {
		return []string{""}
	}
	return []string{account, ""}
}

// builtAs wants the base to be what its tag says, so that a wrong one is told of and not built on.
func (b *Bases) builtAs(ctx context.Context, owner string, rt Runtime, tag string) (Base, error) {
	// With the registry's own name the reference leads nowhere else, whatever is deleted meanwhile.
	ref := b.cfg.Registry + "/" + Repository(rt.Name) + ":" + tag
	digest, err := b.cfg.Images.Account(owner).Pull(ctx, ref, nil)
	if err != nil {
		return Base{}, explain(err)
	}
	if err := writeJSON(b.recordFile("account "+owner+" "+ref), record{Ref: ref, Digest: digest, Used: time.Now()}); err != nil {
		return Base{}, err
	}
	return b.baseOf(ctx, rt, digest, ref, tag)
}

// baseOf looks into an image and wants its version to suit.
func (b *Bases) baseOf(ctx context.Context, rt Runtime, digest, ref, lock string) (Base, error) {
	version, err := b.versionOf(ctx, rt, digest)
	if err != nil {
		return Base{}, about("base image "+ref, err)
	}
	if err := rt.suits("base image "+ref, version, lock); err != nil {
		return Base{}, err
	}
	return Base{Image: digest, Version: version, Ref: ref}, nil
}

package main

import (
	"context"
	"errors"

	"apron/build"
	"apron/build/source"
	"apron/image"
	"apron/store"
)

// openBuilds opens what services are built from source with.
func (p *platform) openBuilds(context.Context) (err error) {
	c := p.cfg.Builds
	p.sources, err = source.New(source.Config{
		Dir:       p.data.join("sources"),
		Log:       p.log,
		Limits:    source.Limits{Bytes: int64(c.Source) << 20},
		Local:     p.git.Local,
		FileRoots: c.Files,
		Loopback:  c.Loopback,
	})
	if err != nil {
		return err
	}
	p.builder, err = build.New(build.Config{
		Log:      p.log,
		Dir:      p.data.join("builds"),
		Images:   p.images,
		Driver:   p.driver,
		Bases:    p.bases,
		Find:     p.findBuild,
		Keep:     p.keepBuild,
		Limit:    c.Limit,
		CPU:      c.CPU,
		Memory:   c.Memory,
		Parallel: c.AtOnce,
	})
	return err
}

// findBuild finds the image of a build that is still on this machine.
func (p *platform) findBuild(ctx context.Context, _, service, key string) (digest string, ok bool, err error) {
	err = p.store.Read(ctx, func(tx *store.Tx) error {
		digest, err = tx.Build(service, key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	_, err = p.images.Image(ctx, digest)
	if _, gone := errors.AsType[*image.MissingError](err); gone {
		return "", false, nil
	}
	return digest, err == nil, err
}

func (p *platform) keepBuild(ctx context.Context, _, service, key, digest string) error {
	return p.store.Update(ctx, func(tx *store.Tx) error { return tx.KeepBuild(service, key, digest) })
}

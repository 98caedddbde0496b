package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// maxConfig bounds an image's configuration; real ones are a few kilobytes.
const maxConfig = 4 << 20

// Pull is Account.Pull for the account that the directory belongs to.
func (s *Store) Pull(ctx context.Context, ref string, auth *Auth) (string, error) {
	return s.Account(s.cfg.Owner).Pull(ctx, ref, auth)
}

// Resolve is Account.Resolve for the account that the directory belongs to.
func (s *Store) Resolve(ctx context.Context, ref string, auth *Auth) (string, error) {
	return s.Account(s.cfg.Owner).Resolve(ctx, ref, auth)
}

// Pull brings the image that ref names onto this machine and returns the digest of its manifest for this machine's
// platform, which Image then knows. It blocks until everything is on disk and synced, ctx ends or Config.PullTimeout has
// passed. A pull of what is here already costs one look at the registry; by digest, none, once the account has pulled it.
// Pulls of the same image at the same time share the work. auth may be nil.
//
// Errors are *NotFoundError, *AuthError, *PlatformError, *UnreachableError, *InvalidError or *TooLargeError; other errors are
// this machine's own (a full disk). What a failed pull leaves is whole blobs and layers, which the next pull goes on
// from and Collect removes; a blob that broke off midway is fetched again from its start.
func (a Account) Pull(ctx context.Context, ref string, auth *Auth) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.s.cfg.PullTimeout)
	defer cancel()
	d, err := a.pull(ctx, ref, auth)
	if err != nil {
		return "", explain(ref, auth, err)
	}
	return d.String(), nil
}

// Resolve returns the digest that Pull would return for ref now, without pulling. It reads manifests alone.
// Errors are as Pull's.
func (a Account) Resolve(ctx context.Context, ref string, auth *Auth) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.s.cfg.PullTimeout)
	defer cancel()
	_, c, err := a.resolve(ctx, ref, auth)
	if err != nil {
		return "", explain(ref, auth, err)
	}
	return c.digest.String(), nil
}

func (a Account) pull(ctx context.Context, ref string, auth *Auth) (digest, error) {
	if d, ok := a.pulledAlready(ref); ok {
		return d, nil
	}
	src, c, err := a.resolve(ctx, ref, auth)
	if err != nil {
		return "", err
	}
	err = a.s.flights.share(ctx, imageKey(c.digest), func(ctx context.Context) error {
		begin := time.Now()
		fresh, err := a.s.bring(ctx, src, c, a.id)
		if fresh {
			a.s.cfg.Log.Info("image pulled", "image", ref, "digest", c.digest.String(), "took", time.Since(begin))
		}
		return err
	})
	return c.digest, err
}

// pulledAlready answers for a reference by digest without the network: what a digest names never changes. It answers
// only the account that has had it: knowing a digest is no leave to read what it names.
func (a Account) pulledAlready(ref string) (digest, bool) {
	d, err := parseDigest(split(ref).id)
	if err != nil {
		return "", false
	}
	defer a.s.pins.pin(imageKey(d))()
	if r, err := a.s.readRecord(d); err != nil || !r.pulledBy(a.id) {
		return "", false
	}
	return d, a.s.touchRecord(d) == nil
}

func (a Account) resolve(ctx context.Context, ref string, auth *Auth) (source, chosen, error) {
	p, err := a.locate(ctx, ref)
	if err != nil {
		return nil, chosen{}, err
	}
	if p.local != "" {
		return a.resolveLocal(ctx, localSource{repo: a.repo(p.local), id: p.id})
	}
	src, err := a.s.openRemote(ctx, p.remote, auth)
	if err != nil {
		return nil, chosen{}, err
	}
	c, err := choose(ctx, src, "")
	return src, c, err
}

// resolveLocal wants all of the image in the repository: a manifest can be pushed without the layers that it says are
// elsewhere, and another repository's must not be taken for them.
func (a Account) resolveLocal(ctx context.Context, src localSource) (source, chosen, error) {
	c, err := choose(ctx, src, "")
	if err != nil {
		return nil, c, err
	}
	for _, desc := range append(slices.Clone(c.manifest.Layers), c.manifest.Config) {
		if d := digest(desc.Digest.String()); !src.repo.hasBlob(d) {
			return nil, c, src.lost(d)
		}
	}
	return src, c, nil
}

// bring fetches and unpacks what is missing of an image, then writes its record; fresh says that it was not here before.
// Everything that it makes or relies on is pinned until the record protects it from Collect.
// The record then says that the account has pulled it.
func (s *Store) bring(ctx context.Context, src source, c chosen, account string) (fresh bool, err error) {
	defer s.pins.pin(imageKey(c.digest))()
	if s.touchRecord(c.digest) == nil {
		return false, s.notePull(c.digest, account)
	}
	cfg, err := s.fetchConfig(ctx, src, c)
	if err != nil {
		return false, err
	}
	ids, err := c.checkConfig(cfg)
	if err != nil {
		return false, err
	}
	defer s.pins.pin(layerKeys(ids)...)()
	size, err := s.bringLayers(ctx, src, c.manifest.Layers, ids)
	if err != nil {
		return false, err
	}
	r := newRecord(c, cfg, ids, size)
	r.Accounts = []string{account}
	if err := s.writeRecord(r); err != nil {
		return false, err
	}
	s.dropFetched(append(slices.Clone(c.manifest.Layers), c.manifest.Config))
	return true, nil
}

func layerKeys(ids []digest) []string {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = layerKey(id)
	}
	return keys
}

func (s *Store) fetchConfig(ctx context.Context, src source, c chosen) (*v1.ConfigFile, error) {
	desc := c.manifest.Config
	if desc.Size > maxConfig {
		return nil, tooLarge("configuration", maxConfig, "bytes")
	}
	defer s.pins.pin(blobKey(digest(desc.Digest.String())))()
	if err := s.fetchBlob(ctx, src, desc); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(s.blobPath(digest(desc.Digest.String())))
	if err != nil {
		return nil, err
	}
	cfg, err := v1.ParseConfigFile(bytes.NewReader(data))
	if err != nil {
		return nil, invalid("its configuration cannot be read (%v)", err)
	}
	return cfg, nil
}

// bringLayers unpacks what is missing and returns the bytes of file content of all layers together.
func (s *Store) bringLayers(ctx context.Context, src source, layers []v1.Descriptor, ids []digest) (int64, error) {
	for _, l := range layers {
		if l.Size > s.cfg.MaxUnpacked {
			return 0, tooLarge("compressed layer", s.cfg.MaxUnpacked, "bytes")
		}
	}
	budget := &budget{limit: s.cfg.MaxUnpacked}
	g, ctx := errgroup.WithContext(ctx)
	for i, id := range ids {
		g.Go(func() error { return s.bringLayer(ctx, src, layers[i], id, budget) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return s.totalSize(ids)
}

func (s *Store) totalSize(ids []digest) (int64, error) {
	var total int64
	for _, id := range ids {
		n, err := s.layerSize(id)
		if err != nil {
			return 0, err
		}
		if total += n; total > s.cfg.MaxUnpacked {
			return 0, tooLarge("unpacked size", s.cfg.MaxUnpacked, "bytes")
		}
	}
	return total, nil
}

// dropFetched removes blobs that served a pull and that no repository of the embedded registry holds: unpacked, an image
// needs them no more. It is thrift, not duty; what it misses Collect finds.
func (s *Store) dropFetched(descs []v1.Descriptor) {
	defer s.pins.sweep()()
	for _, desc := range descs {
		d := digest(desc.Digest.String())
		if s.isLinked(d) {
			continue
		}
		if _, err := s.discard(blobKey(d), s.blobPath(d)); err != nil {
			s.cfg.Log.Warn("blob not removed", "digest", d.String(), "error", err)
		}
	}
}

// discard moves path out of sight in one step, unless somebody needs key, then deletes it. It returns the bytes freed.
func (s *Store) discard(key, path string) (int64, error) {
	tomb := fmt.Sprintf("%s/gone-%s-%d", s.tmp(), strings.ReplaceAll(key, " ", "-"), time.Now().UnixNano())
	taken, err := s.pins.take(key, func() error { return os.Rename(path, tomb) })
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if !taken || err != nil {
		return 0, err
	}
	size := diskUsage(tomb)
	return size, os.RemoveAll(tomb)
}

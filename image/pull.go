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

// Pull brings the image that ref names onto this machine and returns the digest of its manifest for this machine's
// platform, which Image then knows. It blocks until everything is on disk and synced, ctx ends or Config.PullTimeout has
// passed. A pull of what is here already costs one look at the registry; by digest, none. Pulls of the same image at the
// same time share the work. auth may be nil.
//
// Errors are *NotFoundError, *AuthError, *PlatformError, *UnreachableError, *InvalidError or *TooLargeError; other errors are
// this machine's own (a full disk). What a failed pull leaves is whole blobs and layers, which the next pull goes on
// from and Collect removes; a blob that broke off midway is fetched again from its start.
func (s *Store) Pull(ctx context.Context, ref string, auth *Auth) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.PullTimeout)
	defer cancel()
	d, err := s.pull(ctx, ref, auth)
	if err != nil {
		return "", explain(ref, auth, err)
	}
	return d.String(), nil
}

// Resolve returns the digest that Pull would return for ref now, without pulling. It reads manifests alone.
// Errors are as Pull's.
func (s *Store) Resolve(ctx context.Context, ref string, auth *Auth) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.PullTimeout)
	defer cancel()
	_, c, err := s.resolve(ctx, ref, auth)
	if err != nil {
		return "", explain(ref, auth, err)
	}
	return c.digest.String(), nil
}

func (s *Store) pull(ctx context.Context, ref string, auth *Auth) (digest, error) {
	if d, ok := s.pulledAlready(ref); ok {
		return d, nil
	}
	src, c, err := s.resolve(ctx, ref, auth)
	if err != nil {
		return "", err
	}
	err = s.flights.share(ctx, imageKey(c.digest), func(ctx context.Context) error {
		begin := time.Now()
		fresh, err := s.bring(ctx, src, c)
		if fresh {
			s.cfg.Log.Info("image pulled", "image", ref, "digest", c.digest.String(), "took", time.Since(begin))
		}
		return err
	})
	return c.digest, err
}

// pulledAlready answers for a reference by digest without the network: what a digest names never changes.
func (s *Store) pulledAlready(ref string) (digest, bool) {
	d, err := parseDigest(split(ref).id)
	if err != nil {
		return "", false
	}
	defer s.pins.pin(imageKey(d))()
	return d, s.touchRecord(d) == nil
}

func (s *Store) resolve(ctx context.Context, ref string, auth *Auth) (source, chosen, error) {
	p, err := s.locate(ref)
	if err != nil {
		return nil, chosen{}, err
	}
	src, err := s.openSource(ctx, p, auth)
	if err != nil {
		return nil, chosen{}, err
	}
	c, err := choose(ctx, src, "")
	return src, c, err
}

func (s *Store) openSource(ctx context.Context, p place, auth *Auth) (source, error) {
	if p.local != "" {
		return localSource{repo: s.repo(p.local), id: p.id}, nil
	}
	return s.openRemote(ctx, p.remote, auth)
}

// bring fetches and unpacks what is missing of an image, then writes its record; fresh says that it was not here before.
// Everything that it makes or relies on is pinned until the record protects it from Collect.
func (s *Store) bring(ctx context.Context, src source, c chosen) (fresh bool, err error) {
	defer s.pins.pin(imageKey(c.digest))()
	if s.touchRecord(c.digest) == nil {
		return false, nil
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
	if err := s.writeRecord(newRecord(c, cfg, ids, size)); err != nil {
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

package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

var errStalled = errors.New("the registry sent nothing for too long")

// fetchBlob makes sure that a blob is on disk under its name, whole, verified and synced. The caller has pinned it.
func (s *Store) fetchBlob(ctx context.Context, src source, desc v1.Descriptor) error {
	d := digest(desc.Digest.String())
	if exists(s.blobPath(d)) {
		return nil
	}
	return s.flights.share(ctx, blobKey(d), func(ctx context.Context) error {
		return s.download(ctx, src, d, desc.Size)
	})
}

func (s *Store) download(ctx context.Context, src source, d digest, size int64) error {
	f, err := os.CreateTemp(s.tmp(), "blob-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	t := &transfer{src: src, digest: d, size: size, file: f, sum: sha256.New(), idle: s.cfg.IdleTimeout}
	if err := s.persist(ctx, t); err != nil {
		return err
	}
	if got := sumDigest(t.sum.Sum(nil)); got != d {
		return invalid("its registry sent a blob of digest %s in place of %s", got, d)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return publish(f.Name(), s.blobPath(d))
}

// persist goes on from where a transfer broke off, until it is done or the attempts are used up.
func (s *Store) persist(ctx context.Context, t *transfer) error {
	wait := s.cfg.Backoff
	for attempt := 0; ; attempt++ {
		err := t.run(ctx)
		if err == nil || ctx.Err() != nil || attempt == s.cfg.Retries || !mayRetry(err) {
			return err
		}
		s.cfg.Log.Warn("blob transfer broke off", "digest", t.digest.String(), "at", t.at, "of", t.size, "error", hide(err))
		select {
		case <-time.After(wait + rand.N(wait/4+1)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		wait *= 2
	}
}

func mayRetry(err error) bool {
	if e, ok := errors.AsType[*transport.Error](err); ok {
		return e.Temporary()
	}
	return isNetwork(err)
}

// transfer is one blob on its way into a file, over as many requests as it takes.
type transfer struct {
	src    source
	digest digest
	size   int64
	file   *os.File
	sum    hash.Hash
	at     int64 // bytes that are in file and sum
	idle   time.Duration
}

func (t *transfer) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(t.idle, func() { cancel(errStalled) })
	defer watchdog.Stop()
	body, at, err := t.src.blob(ctx, t.digest, t.at)
	if err != nil {
		return because(ctx, err)
	}
	defer body.Close()
	if at != t.at {
		if err := t.restart(); err != nil {
			return err
		}
	}
	n, err := io.Copy(io.MultiWriter(t.file, t.sum), &alive{io.LimitReader(body, t.size-t.at+1), watchdog, t.idle})
	t.at += n
	switch {
	case err != nil:
		return because(ctx, err)
	case t.at > t.size:
		return invalid("its registry sent more than the %d bytes of blob %s", t.size, t.digest)
	case t.at < t.size:
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (t *transfer) restart() error {
	t.at = 0
	t.sum.Reset()
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return t.file.Truncate(0)
}

// because tells a stall, which shows as a cancelled context, from the caller's own cancelling.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// alive holds back the watchdog as long as bytes come.
type alive struct {
	r        io.Reader
	watchdog *time.Timer
	idle     time.Duration
}

func (a *alive) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if n > 0 {
		a.watchdog.Reset(a.idle)
	}
	return n, err
}

package image

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"sync"
	"time"

	"cuelabs.dev/go/oci/ociregistry"
)

// uploads are the blobs that clients are sending, by upload id. They live in memory and tmp alone: a push that dies midway
// leaves nothing after Open. The zero value is ready for use.
type uploads struct {
	mu   sync.Mutex
	open map[string]*upload
}

const (
	// uploadExpiry is how long an upload that nobody touches is kept.
	uploadExpiry = time.Hour
	// maxUploads bounds the files that clients who never finish can hold open here.
	maxUploads = 256
)

type upload struct {
	id   string
	repo repo
	file *os.File
	sum  hash.Hash
	size int64
	busy bool // a request is writing; guarded by uploads.mu
	used time.Time
}

func (u *uploads) begin(r repo) (ociregistry.BlobWriter, error) {
	u.expire()
	f, err := os.CreateTemp(r.s.tmp(), "upload-")
	if err != nil {
		return nil, err
	}
	up := &upload{id: rand.Text(), repo: r, file: f, sum: sha256.New(), busy: true, used: time.Now()}
	if !u.add(up) {
		up.drop()
		return nil, ociregistry.NewError("too many uploads are under way; try again later", ociregistry.ErrTooManyRequests.Code(), nil)
	}
	return &uploadWriter{uploads: u, up: up, expect: -1}, nil
}

func (u *uploads) add(up *upload) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[string]*upload{}
	}
	if len(u.open) >= maxUploads {
		return false
	}
	u.open[up.id] = up
	return true
}

// resume goes on with an upload. The first byte written must be the one at offset, if that is not negative.
func (u *uploads) resume(r repo, id string, offset int64) (ociregistry.BlobWriter, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	up := u.open[id]
	if up == nil || up.repo != r {
		return nil, ociregistry.ErrBlobUploadUnknown
	}
	if up.busy {
		return nil, ociregistry.NewError("another request is writing to this upload", ociregistry.ErrBlobUploadInvalid.Code(), nil)
	}
	up.busy, up.used = true, time.Now()
	return &uploadWriter{uploads: u, up: up, expect: offset}, nil
}

func (u *uploads) cancel(r repo, id string) bool {
	return u.dropIf(func(up *upload) bool { return up.id == id && up.repo == r }) > 0
}

// expire forgets uploads whose client has gone away.
func (u *uploads) expire() {
	u.dropIf(func(up *upload) bool { return time.Since(up.used) > uploadExpiry })
}

func (u *uploads) dropAll() { u.dropIf(func(*upload) bool { return true }) }

// dropIf forgets uploads that no request is writing to.
func (u *uploads) dropIf(match func(*upload) bool) (dropped int) {
	u.mu.Lock()
	var gone []*upload
	for id, up := range u.open {
		if !up.busy && match(up) {
			delete(u.open, id)
			gone = append(gone, up)
		}
	}
	u.mu.Unlock()
	for _, up := range gone {
		up.drop()
	}
	return len(gone)
}

func (up *upload) drop() {
	up.file.Close()
	os.Remove(up.file.Name())
}

// uploadWriter is one request's hold on an upload.
type uploadWriter struct {
	uploads *uploads
	up      *upload
	expect  int64 // the offset that the first byte must have; negative is any
	over    bool  // the hold has ended
}

func (w *uploadWriter) Write(p []byte) (int, error) {
	if w.expect >= 0 && w.expect != w.up.size {
		return 0, ociregistry.NewError(fmt.Sprintf("the upload is at offset %d, not %d", w.up.size, w.expect), ociregistry.ErrRangeInvalid.Code(), nil)
	}
	w.expect = -1
	n, err := w.up.file.Write(p)
	w.up.sum.Write(p[:n])
	w.up.size += int64(n)
	return n, err
}

func (w *uploadWriter) Size() int64    { return w.up.size }
func (w *uploadWriter) ChunkSize() int { return 1 } // the smallest chunk that a client may send
func (w *uploadWriter) ID() string     { return w.up.id }

// Close ends the request and keeps the upload.
func (w *uploadWriter) Close() error {
	w.uploads.mu.Lock()
	defer w.uploads.mu.Unlock()
	if !w.over {
		w.over = true
		w.up.busy = false
		w.up.used = time.Now()
	}
	return nil
}

// Cancel ends the upload.
func (w *uploadWriter) Cancel() error {
	if w.end() {
		w.up.drop()
	}
	return nil
}

// end takes the upload out of the table, once.
func (w *uploadWriter) end() bool {
	w.uploads.mu.Lock()
	defer w.uploads.mu.Unlock()
	if w.over {
		return false
	}
	w.over = true
	delete(w.uploads.open, w.up.id)
	return true
}

// Commit makes the upload a blob of its repository. Success or not, the upload is over.
func (w *uploadWriter) Commit(d ociregistry.Digest) (ociregistry.Descriptor, error) {
	if !w.end() {
		return ociregistry.Descriptor{}, ociregistry.ErrBlobUploadUnknown
	}
	defer w.up.drop()
	want, err := wireDigest(d)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	if got := sumDigest(w.up.sum.Sum(nil)); got != want {
		return ociregistry.Descriptor{}, ociregistry.NewError(fmt.Sprintf("the content sent is %s, not %s", got, want), ociregistry.ErrDigestInvalid.Code(), nil)
	}
	if err := w.up.install(want); err != nil {
		return ociregistry.Descriptor{}, fmt.Errorf("store blob %s: %w", want, err)
	}
	return ociregistry.Descriptor{MediaType: octetStream, Digest: d, Size: w.up.size}, nil
}

// install makes content durable before the link that promises it.
func (up *upload) install(d digest) error {
	s := up.repo.s
	defer s.pins.pin(blobKey(d))()
	if !exists(s.blobPath(d)) {
		if err := errors.Join(up.file.Sync(), publish(up.file.Name(), s.blobPath(d))); err != nil {
			return err
		}
	}
	return up.repo.write("blobs", d.hex(), "")
}

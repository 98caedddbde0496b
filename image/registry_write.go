package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"cuelabs.dev/go/oci/ociregistry"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func (b *backend) PushBlob(ctx context.Context, name string, desc ociregistry.Descriptor, r io.Reader) (ociregistry.Descriptor, error) {
	w, err := b.PushBlobChunked(ctx, name, 0)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	defer w.Cancel()
	n, err := io.Copy(w, r)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	if desc.Size >= 0 && n != desc.Size {
		return ociregistry.Descriptor{}, ociregistry.ErrSizeInvalid
	}
	return w.Commit(desc.Digest)
}

func (b *backend) PushBlobChunked(_ context.Context, name string, _ int) (ociregistry.BlobWriter, error) {
	r, err := b.repo(name)
	if err != nil {
		return nil, err
	}
	return b.s.uploads.begin(r)
}

func (b *backend) PushBlobChunkedResume(ctx context.Context, name, id string, offset int64, _ int) (ociregistry.BlobWriter, error) {
	r, err := b.repo(name)
	if err != nil {
		return nil, err
	}
	if ctx.Value(appendKey{}) != nil {
		offset = -1
	}
	return b.s.uploads.resume(r, id, offset)
}

func (b *backend) MountBlob(_ context.Context, from, to string, d ociregistry.Digest) (ociregistry.Descriptor, error) {
	src, checked, err := b.repoAndDigest(from, d)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	dst, err := b.repo(to)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	defer b.s.pins.pin(blobKey(checked))()
	if !src.hasBlob(checked) || !exists(b.s.blobPath(checked)) {
		return ociregistry.Descriptor{}, ociregistry.ErrBlobUnknown
	}
	if err := dst.write("blobs", checked.hex(), ""); err != nil {
		return ociregistry.Descriptor{}, err
	}
	return ociregistry.Descriptor{MediaType: octetStream, Digest: d}, nil
}

// manifestRefs are the fields by which a manifest or index refers to other content.
type manifestRefs struct {
	MediaType    string                   `json:"mediaType"`
	ArtifactType string                   `json:"artifactType"`
	Annotations  map[string]string        `json:"annotations"`
	Config       *ociregistry.Descriptor  `json:"config"`
	Layers       []ociregistry.Descriptor `json:"layers"`
	Manifests    []ociregistry.Descriptor `json:"manifests"`
	Subject      *ociregistry.Descriptor  `json:"subject"`
}

func (m manifestRefs) blobs() []ociregistry.Descriptor {
	if m.Config == nil {
		return m.Layers
	}
	return append(slices.Clone(m.Layers), *m.Config)
}

var pushable = []types.MediaType{types.OCIManifestSchema1, types.OCIImageIndex, types.DockerManifestSchema2, types.DockerManifestList}

func (b *backend) PushManifest(_ context.Context, name, tag string, data []byte, mediaType string) (ociregistry.Descriptor, error) {
	r, err := b.repo(name)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	d := digestOf(data)
	m, err := readRefs(data, mediaType)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	release, err := b.pinRefs(d, m)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	defer release()
	if err := checkRefs(r, m); err != nil {
		return ociregistry.Descriptor{}, err
	}
	// Content before link, link before tag: whatever is found leads to what is there.
	if err := b.storeManifest(r, d, tag, data, mediaType); err != nil {
		return ociregistry.Descriptor{}, fmt.Errorf("store manifest %s: %w", d, err)
	}
	if tag != "" && b.s.cfg.Pushed != nil {
		b.s.cfg.Pushed(b.account.name(), name, tag)
	}
	return ociregistry.Descriptor{MediaType: mediaType, Digest: ociregistry.Digest(d), Size: int64(len(data))}, nil
}

func (b *backend) storeManifest(r repo, d digest, tag string, data []byte, mediaType string) error {
	if err := b.s.writeFile(b.s.blobPath(d), data); err != nil {
		return err
	}
	if err := r.write("manifests", d.hex(), mediaType); err != nil {
		return err
	}
	if tag == "" {
		return nil
	}
	return r.write("tags", tag, d.String())
}

func readRefs(data []byte, mediaType string) (manifestRefs, error) {
	if !slices.Contains(pushable, types.MediaType(mediaType)) {
		return manifestRefs{}, manifestInvalid("this registry takes OCI manifests and indexes and Docker manifests of schema 2, not %q", mediaType)
	}
	if doc, err := parseDocument(data); err != nil {
		return manifestRefs{}, manifestInvalid("%v", errors.Unwrap(err))
	} else if doc.MediaType != "" && string(doc.MediaType) != mediaType {
		return manifestRefs{}, manifestInvalid("the manifest says that it is %q, the request that it is %q", doc.MediaType, mediaType)
	}
	var m manifestRefs
	if err := json.Unmarshal(data, &m); err != nil {
		return manifestRefs{}, manifestInvalid("the manifest cannot be read: %v", err)
	}
	return m, nil
}

func manifestInvalid(format string, args ...any) error {
	return ociregistry.NewError(fmt.Sprintf(format, args...), ociregistry.ErrManifestInvalid.Code(), nil)
}

// pinRefs keeps Collect from what the manifest is about to need.
func (b *backend) pinRefs(d digest, m manifestRefs) (release func(), err error) {
	keys := []string{blobKey(d)}
	for _, desc := range append(m.blobs(), m.Manifests...) {
		checked, err := wireDigest(desc.Digest)
		if err != nil {
			return nil, err
		}
		keys = append(keys, blobKey(checked))
	}
	return b.s.pins.pin(keys...), nil
}

// checkRefs makes sure that the repository has all that a manifest refers to, except its subject, which may come later,
// and layers that live elsewhere by their own account.
func checkRefs(r repo, m manifestRefs) error {
	for _, desc := range m.blobs() {
		d := digest(desc.Digest)
		if len(desc.URLs) == 0 && !(r.hasBlob(d) && exists(r.s.blobPath(d))) {
			return blobMissing(r, "blob", d)
		}
	}
	for _, desc := range m.Manifests {
		if d := digest(desc.Digest); !exists(r.path("manifests", d.hex())) {
			return blobMissing(r, "manifest", d)
		}
	}
	return nil
}

func blobMissing(r repo, what string, d digest) error {
	return ociregistry.NewError(fmt.Sprintf("repository %s has no %s %s; push it first", r.name, what, d), ociregistry.ErrManifestBlobUnknown.Code(), nil)
}

func (b *backend) DeleteBlob(_ context.Context, name string, d ociregistry.Digest) error {
	r, checked, err := b.repoAndDigest(name, d)
	if err != nil {
		return err
	}
	if !r.hasBlob(checked) {
		return ociregistry.ErrBlobUnknown
	}
	return removeFile(r.path("blobs", checked.hex()))
}

// DeleteManifest takes the tags away first: a tag that leads nowhere would be worse than a manifest without a tag.
func (b *backend) DeleteManifest(_ context.Context, name string, d ociregistry.Digest) error {
	r, checked, err := b.repoAndDigest(name, d)
	if err != nil {
		return err
	}
	if !exists(r.path("manifests", checked.hex())) {
		return ociregistry.ErrManifestUnknown
	}
	tags, err := r.list("tags")
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if at, err := r.tag(tag); err == nil && at == checked {
			if err := removeFile(r.path("tags", tag)); err != nil {
				return err
			}
		}
	}
	return removeFile(r.path("manifests", checked.hex()))
}

func (b *backend) DeleteTag(_ context.Context, name, tag string) error {
	r, err := b.repo(name)
	if err != nil {
		return err
	}
	if !exists(r.path("tags", tag)) {
		return ociregistry.ErrManifestUnknown
	}
	return removeFile(r.path("tags", tag))
}

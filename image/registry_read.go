package image

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"cuelabs.dev/go/oci/ociregistry"
)

const octetStream = "application/octet-stream"

// blobReader is a blob's content, or a part of it, with what the headers say about the whole.
type blobReader struct {
	io.Reader
	io.Closer
	desc ociregistry.Descriptor
}

func (r *blobReader) Descriptor() ociregistry.Descriptor { return r.desc }

func (b *backend) GetBlob(ctx context.Context, name string, d ociregistry.Digest) (ociregistry.BlobReader, error) {
	return b.GetBlobRange(ctx, name, d, 0, -1)
}

func (b *backend) GetBlobRange(_ context.Context, name string, d ociregistry.Digest, from, to int64) (ociregistry.BlobReader, error) {
	r, checked, err := b.repoAndDigest(name, d)
	if err != nil {
		return nil, err
	}
	if !r.hasBlob(checked) {
		return nil, ociregistry.ErrBlobUnknown
	}
	f, err := os.Open(b.s.blobPath(checked))
	if err != nil {
		return nil, orUnknown(err, ociregistry.ErrBlobUnknown)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if to < 0 || to > info.Size() {
		to = info.Size()
	}
	return &blobReader{
		Reader: io.NewSectionReader(f, from, max(0, to-from)),
		Closer: f,
		desc:   ociregistry.Descriptor{MediaType: octetStream, Digest: d, Size: info.Size()},
	}, nil
}

// ResolveBlob makes the blob young again: a client that asks is about to leave it out of its push.
func (b *backend) ResolveBlob(_ context.Context, name string, d ociregistry.Digest) (ociregistry.Descriptor, error) {
	r, checked, err := b.repoAndDigest(name, d)
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	if !r.hasBlob(checked) {
		return ociregistry.Descriptor{}, ociregistry.ErrBlobUnknown
	}
	info, err := os.Stat(b.s.blobPath(checked))
	if err != nil {
		return ociregistry.Descriptor{}, orUnknown(err, ociregistry.ErrBlobUnknown)
	}
	now := time.Now()
	if err := os.Chtimes(r.path("blobs", checked.hex()), now, now); err != nil {
		return ociregistry.Descriptor{}, orUnknown(err, ociregistry.ErrBlobUnknown)
	}
	return ociregistry.Descriptor{MediaType: octetStream, Digest: d, Size: info.Size()}, nil
}

func (b *backend) GetManifest(_ context.Context, name string, d ociregistry.Digest) (ociregistry.BlobReader, error) {
	r, checked, err := b.repoAndDigest(name, d)
	if err != nil {
		return nil, err
	}
	return readManifest(r, checked)
}

func (b *backend) GetTag(_ context.Context, name, tag string) (ociregistry.BlobReader, error) {
	r, err := b.repo(name)
	if err != nil {
		return nil, err
	}
	d, err := r.tag(tag)
	if err != nil {
		return nil, orUnknown(err, ociregistry.ErrManifestUnknown)
	}
	return readManifest(r, d)
}

func readManifest(r repo, d digest) (ociregistry.BlobReader, error) {
	data, mediaType, err := r.manifest(d)
	if err != nil {
		return nil, orUnknown(err, ociregistry.ErrManifestUnknown)
	}
	return &blobReader{
		Reader: bytes.NewReader(data),
		Closer: io.NopCloser(nil),
		desc:   ociregistry.Descriptor{MediaType: mediaType, Digest: ociregistry.Digest(d), Size: int64(len(data))},
	}, nil
}

func (b *backend) ResolveManifest(ctx context.Context, name string, d ociregistry.Digest) (ociregistry.Descriptor, error) {
	return describe(b.GetManifest(ctx, name, d))
}

func (b *backend) ResolveTag(ctx context.Context, name, tag string) (ociregistry.Descriptor, error) {
	return describe(b.GetTag(ctx, name, tag))
}

func describe(r ociregistry.BlobReader, err error) (ociregistry.Descriptor, error) {
	if err != nil {
		return ociregistry.Descriptor{}, err
	}
	return r.Descriptor(), nil
}

func (b *backend) Repositories(_ context.Context, after string) iter.Seq2[string, error] {
	all, err := b.s.repos()
	if err != nil {
		return ociregistry.ErrorSeq[string](err)
	}
	var names []string
	for _, r := range all {
		if r.account == b.account.id && r.exists() && r.name > after {
			names = append(names, r.name)
		}
	}
	slices.Sort(names)
	return ociregistry.SliceSeq(names)
}

func (b *backend) Tags(_ context.Context, name, after string) iter.Seq2[string, error] {
	r, err := b.repo(name)
	if err != nil {
		return ociregistry.ErrorSeq[string](err)
	}
	if !r.exists() {
		return ociregistry.ErrorSeq[string](ociregistry.ErrNameUnknown)
	}
	tags, err := r.list("tags")
	if err != nil {
		return ociregistry.ErrorSeq[string](err)
	}
	slices.Sort(tags)
	return ociregistry.SliceSeq(slices.DeleteFunc(tags, func(t string) bool { return t <= after }))
}

// Referrers reads every manifest of the repository: they are small and few, and an index of them would be one more thing
// to keep true.
func (b *backend) Referrers(_ context.Context, name string, d ociregistry.Digest, artifactType string) iter.Seq2[ociregistry.Descriptor, error] {
	r, subject, err := b.repoAndDigest(name, d)
	if err != nil {
		return ociregistry.ErrorSeq[ociregistry.Descriptor](err)
	}
	manifests, err := r.list("manifests")
	if err != nil {
		return ociregistry.ErrorSeq[ociregistry.Descriptor](err)
	}
	var found []ociregistry.Descriptor
	for _, hex := range manifests {
		desc, ok := referrer(r, digest(sha256Prefix+hex), subject)
		if ok && (artifactType == "" || desc.ArtifactType == artifactType) {
			found = append(found, desc)
		}
	}
	return ociregistry.SliceSeq(found)
}

// referrer describes a manifest if it has that subject.
func referrer(r repo, d, subject digest) (ociregistry.Descriptor, bool) {
	data, mediaType, err := r.manifest(d)
	if err != nil {
		return ociregistry.Descriptor{}, false
	}
	var m manifestRefs
	if json.Unmarshal(data, &m) != nil || m.Subject == nil || string(m.Subject.Digest) != string(subject) {
		return ociregistry.Descriptor{}, false
	}
	desc := ociregistry.Descriptor{
		MediaType: mediaType, Digest: ociregistry.Digest(d), Size: int64(len(data)),
		ArtifactType: m.ArtifactType, Annotations: m.Annotations,
	}
	if desc.ArtifactType == "" && m.Config != nil {
		desc.ArtifactType = m.Config.MediaType
	}
	return desc, true
}

package image

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ociref"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

// Registry is Account.Registry with all rights for the account that the directory belongs to.
func (s *Store) Registry() http.Handler { return s.Account(s.cfg.Owner).Registry(false) }

// Registry returns the embedded registry with the account's repositories: the OCI distribution API under /v2/, so that docker push, crane, skopeo, buildah
// and ko work against it. What it acknowledges survives a power loss. Uploads under way are lost when the process ends;
// clients start them again. With readOnly it refuses to change anything. It asks for no credentials: see BasicAuth. It costs
// little to make.
func (a Account) Registry(readOnly bool) http.Handler {
	protocol := ociserver.New(&backend{s: a.s, account: a}, &ociserver.Options{WriteError: a.s.writeRegistryError})
	return &front{s: a.s, account: a, readOnly: readOnly, next: protocol}
}

// front keeps the parts of the protocol that ociserver leaves to others: limits, appending without a Content-Range, a
// mount that cannot be made becoming an upload, cancelling an upload.
type front struct {
	s        *Store
	account  Account
	readOnly bool
	next     http.Handler
}

func (f *front) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	req.Body = &patientBody{ReadCloser: req.Body, conn: http.NewResponseController(w), idle: f.s.cfg.IdleTimeout}
	if f.readOnly && req.Method != http.MethodGet && req.Method != http.MethodHead {
		f.s.writeRegistryError(w, req, errReadOnly)
		return
	}
	// The last parts tell what is asked for; a repository's name may hold "manifests" or "blobs" too.
	dir := path.Dir(req.URL.Path)
	switch {
	case strings.HasSuffix(dir, "/manifests") && req.Method == http.MethodPut:
		if err := takeManifest(w, req); err != nil {
			f.s.writeRegistryError(w, req, err)
			return
		}
	case strings.HasSuffix(dir, "/blobs/uploads"), strings.HasSuffix(req.URL.Path, "/blobs/uploads"):
		if req.Method == http.MethodDelete {
			f.cancelUpload(w, req)
			return
		}
		req = f.prepareUpload(req)
	}
	f.next.ServeHTTP(w, req)
}

var errReadOnly = ociregistry.NewError("this access key is read-only and can pull alone; log in with one that may write", ociregistry.ErrDenied.Code(), nil)

// patientBody gives a client so much time for each piece of a body, however long the whole takes: a client that stalls would
// hold its upload for ever. At the body's end the deadline is lifted, because the server's next read on the connection is not
// ours; after a stall it stays, so that the server does not wait for the rest either.
type patientBody struct {
	io.ReadCloser
	conn *http.ResponseController
	idle time.Duration
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(b.idle)) // what has no connection, such as a test's recorder, cannot stall
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// takeManifest reads a manifest here, because ociserver sets it no limit and takes malformed JSON for its own failure.
func takeManifest(w http.ResponseWriter, req *http.Request) error {
	data, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxManifest))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errManifestTooLarge
	}
	if err != nil {
		return manifestInvalid("the manifest broke off: %v", err)
	}
	if !json.Valid(data) {
		return manifestInvalid("the manifest is no JSON")
	}
	req.Body = io.NopCloser(bytes.NewReader(data))
	return nil
}

type appendKey struct{}

// prepareUpload tells the backend that a request without a Content-Range goes on where the upload is: docker's way to
// send a blob as one stream. It turns a mount of what is not there into the start of an upload, as the specification asks.
func (f *front) prepareUpload(req *http.Request) *http.Request {
	if req.Header.Get("Content-Range") == "" {
		req = req.WithContext(context.WithValue(req.Context(), appendKey{}, true))
	}
	q := req.URL.Query()
	if req.Method != http.MethodPost || !q.Has("mount") || f.canMount(q.Get("from"), q.Get("mount")) {
		return req
	}
	q.Del("mount")
	q.Del("from")
	req = req.Clone(req.Context())
	req.URL.RawQuery = q.Encode()
	return req
}

func (f *front) canMount(from, dig string) bool {
	d, err := parseDigest(dig)
	return err == nil && checkRepo(from) == nil && f.account.repo(from).hasBlob(d)
}

func (f *front) cancelUpload(w http.ResponseWriter, req *http.Request) {
	dir, id := path.Split(req.URL.Path)
	name := strings.TrimSuffix(strings.TrimPrefix(dir, "/v2/"), "/blobs/uploads/")
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || !f.s.uploads.cancel(f.account.repo(name), string(raw)) {
		f.s.writeRegistryError(w, req, ociregistry.ErrBlobUploadUnknown)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// writeRegistryError tells clients what they did wrong, and keeps what went wrong with us for the log.
func (s *Store) writeRegistryError(w http.ResponseWriter, req *http.Request, err error) {
	_, wire := errors.AsType[ociregistry.Error](err)
	_, status := errors.AsType[ociregistry.HTTPError](err)
	if !wire && !status {
		if req.Context().Err() == nil {
			s.cfg.Log.Error("registry request failed", "method", req.Method, "path", req.URL.Path, "error", err)
		}
		err = errRegistryInternal
	}
	_ = ociregistry.WriteError(w, err)
}

var errRegistryInternal = ociregistry.NewError("the registry has a problem of its own; its log says which. Try again", "UNKNOWN", nil)

// errManifestTooLarge has a code without a status of its own, so that 413 is what is sent.
var errManifestTooLarge = ociregistry.NewHTTPError(
	ociregistry.NewError(fmt.Sprintf("the manifest exceeds the %d bytes that this registry takes", maxManifest), "MANIFEST_TOO_LARGE", nil),
	http.StatusRequestEntityTooLarge, nil, nil)

// backend keeps ociserver's Interface on disk. The embedded Funcs answers what is not implemented, of which there is nothing;
// it is there because the interface wants it.
type backend struct {
	*ociregistry.Funcs
	s       *Store
	account Account
}

var _ ociregistry.Interface = (*backend)(nil)

func (b *backend) repo(name string) (repo, error) {
	if len(name) > maxRepoName || !ociref.IsValidRepository(name) {
		return repo{}, ociregistry.ErrNameInvalid
	}
	return b.account.repo(name), nil
}

func wireDigest(d ociregistry.Digest) (digest, error) {
	checked, err := parseDigest(string(d))
	if err != nil {
		return "", ociregistry.NewError("this registry takes sha256 digests only", ociregistry.ErrDigestInvalid.Code(), nil)
	}
	return checked, nil
}

func (b *backend) repoAndDigest(name string, d ociregistry.Digest) (repo, digest, error) {
	r, err := b.repo(name)
	if err != nil {
		return r, "", err
	}
	checked, err := wireDigest(d)
	return r, checked, err
}

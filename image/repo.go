package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ociref"
)

// repo is one repository of the embedded registry: which blobs, manifests and tags it has. The content itself is in the
// store's blobs, once for all repositories. Every method reads or writes the disk; there is no other state.
//
//	repos/<name>/blobs/<hex>        empty
//	repos/<name>/manifests/<hex>    the media type
//	repos/<name>/tags/<tag>         the digest
//
// Those of other accounts than the directory's own are in repos/@<account>!<name>.
type repo struct {
	s       *Store
	account string // "" for the directory's own
	name    string
	dir     string
}

// maxRepoName keeps a repository's name within one file name.
const maxRepoName = 200

func checkRepo(name string) error {
	if len(name) > maxRepoName || !ociref.IsValidRepository(name) {
		return &InvalidError{Cause: fmt.Errorf("%.80q is no repository name: lower-case letters, digits, '.', '_', '-' and '/', up to %d", name, maxRepoName)}
	}
	return nil
}

// repo names a repository that need not exist. The name has been checked; it cannot hold a "!" or a "@".
func (s *Store) repo(account, name string) repo {
	file := strings.ReplaceAll(name, "/", "!")
	if account != "" {
		file = "@" + account + "!" + file
	}
	return repo{s: s, account: account, name: name, dir: filepath.Join(s.dir, "repos", file)}
}

// repos lists the repositories of all accounts.
func (s *Store) repos() ([]repo, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "repos"))
	if err != nil {
		return nil, err
	}
	var all []repo
	for _, e := range entries {
		account, name := "", e.Name()
		if rest, other := strings.CutPrefix(name, "@"); other {
			account, name, _ = strings.Cut(rest, "!")
		}
		all = append(all, s.repo(account, strings.ReplaceAll(name, "!", "/")))
	}
	return all, nil
}

// exists says whether there is a manifest in the repository; one that has only had blobs pushed is not yet there.
func (r repo) exists() bool {
	names, err := r.list("manifests")
	return err == nil && len(names) > 0
}

func (r repo) path(kind, name string) string { return filepath.Join(r.dir, kind, name) }

func (r repo) list(kind string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, kind))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// write makes the repository's directories. Collect may remove them again while they are empty.
func (r repo) write(kind, name, data string) (err error) {
	for range 10 {
		if err = makeDir(filepath.Join(r.dir, kind)); err == nil {
			err = r.s.writeFile(r.path(kind, name), []byte(data))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

func (r repo) hasBlob(d digest) bool { return exists(r.path("blobs", d.hex())) }

func (r repo) mediaType(d digest) (string, error) {
	data, err := os.ReadFile(r.path("manifests", d.hex()))
	return string(data), err
}

func (r repo) tag(tag string) (digest, error) {
	if !ociref.IsValidTag(tag) {
		return "", fs.ErrNotExist
	}
	data, err := os.ReadFile(r.path("tags", tag))
	if err != nil {
		return "", err
	}
	return parseDigest(string(data))
}

// manifest returns a manifest's bytes and media type; the error is fs.ErrNotExist if the repository does not have it.
func (r repo) manifest(d digest) ([]byte, string, error) {
	mediaType, err := r.mediaType(d)
	if err != nil {
		return nil, "", err
	}
	data, err := os.ReadFile(r.s.blobPath(d))
	return data, mediaType, err
}

// find leads from a tag or a digest to a digest that the repository has.
func (r repo) find(id string) (digest, error) {
	d, err := parseDigest(id)
	if err != nil {
		if d, err = r.tag(id); err != nil {
			return "", err
		}
	}
	if !exists(r.path("manifests", d.hex())) {
		return "", fs.ErrNotExist
	}
	return d, nil
}

// isLinked says whether any repository has this blob or manifest.
func (s *Store) isLinked(d digest) bool {
	all, err := s.repos()
	if err != nil {
		return true
	}
	for _, r := range all {
		if r.hasBlob(d) || exists(r.path("manifests", d.hex())) {
			return true
		}
	}
	return false
}

// localSource pulls from a repository of the embedded registry: its blobs are on disk already.
type localSource struct {
	repo repo
	id   string
}

func (l localSource) manifest(_ context.Context, d digest) ([]byte, error) {
	if d == "" {
		found, err := l.repo.find(l.id)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &NotFoundError{Cause: fmt.Errorf("repository %s of the embedded registry has no %s", l.repo.name, l.id)}
		}
		if err != nil {
			return nil, err
		}
		d = found
	}
	data, _, err := l.repo.manifest(d)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{Cause: fmt.Errorf("repository %s of the embedded registry has no manifest %s", l.repo.name, d)}
	}
	return data, err
}

func (l localSource) blob(_ context.Context, d digest, _ int64) (io.ReadCloser, int64, error) {
	return nil, 0, l.lost(d)
}

func (l localSource) lost(d digest) error {
	return &NotFoundError{Cause: fmt.Errorf("repository %s of the embedded registry lacks blob %s", l.repo.name, d)}
}

// orUnknown makes of a missing file what the protocol calls it.
func orUnknown(err error, unknown ociregistry.Error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return unknown
	}
	return err
}

package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"cuelabs.dev/go/oci/ociregistry/ociref"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// NewImage is an image that is made here: layers on top of another image's.
type NewImage struct {
	Base   string // digest of an image that is whole here; "" is none
	Layers []Tree // lowest first

	// Created is the image's time, in whole seconds. No file of the new layers is younger: what has a later time has this
	// one, so that the same content makes the same image whenever it was written. It must be set.
	Created time.Time

	// Of Base's configuration Env alone is taken over, and Env here wins over it.
	Entrypoint []string
	Cmd        []string
	Env        []string // KEY=value
	WorkingDir string   // "" is /
	User       string   // "" is root
	Labels     map[string]string

	// Repo and Tag name the image in the account's part of the embedded registry: "apron/web-app", "3f2a91c". Repo "" leaves
	// it out of the registry, where nothing then protects it from Collect; Tag "" leaves it without a tag.
	Repo, Tag string
}

// Tree is a directory whose content becomes a layer. Overlay whiteouts and opaque marks in it are understood. Nobody may
// write to it meanwhile.
type Tree struct {
	Dir  string
	Only []string // the subtrees that count, such as "app"; nil is all

	// Move allows taking the files out of Dir in place of copying them, which is much faster. It is done where Dir and the
	// store are on one file system and Only names nothing below the top. What is left in Dir is then undefined, also after an error.
	Move bool
}

// Commit makes an image and returns its digest. It blocks until the image is whole on this machine, as after Pull, synced,
// and in the embedded registry under Repo and Tag. The same input makes the same digest; a layer that is here already is
// not made again, and a tree without any entry is no layer. What a failed or killed Commit leaves, Collect or the next
// Open removes.
//
// Sockets and device nodes are left out. Errors are *MissingError for Base, *TooLargeError (Config.MaxUnpacked, 127
// layers, a million files in a layer), *InvalidError for Repo, Tag, Only or a file's name; others are this machine's own (a
// full disk).
func (a Account) Commit(ctx context.Context, n NewImage) (string, error) {
	begin := time.Now()
	d, err := a.commit(ctx, n)
	if err != nil {
		return "", explainMaking(n, err)
	}
	a.s.cfg.Log.Info("image made", "image", n.name(), "digest", d.String(), "took", time.Since(begin))
	return d.String(), nil
}

// explainMaking names the image, and what can be done.
func explainMaking(n NewImage, err error) error {
	ref := n.name()
	if e, ok := errors.AsType[*InvalidError](err); ok {
		return &InvalidError{Ref: ref, Cause: e.Cause}
	}
	if e, ok := errors.AsType[*TooLargeError](err); ok {
		return &TooLargeError{Ref: ref, What: e.What, Limit: e.Limit, Unit: e.Unit}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("make image %s: %w; free space on the disk of the data directory, or remove services", ref, err)
	}
	return fmt.Errorf("make image %s: %w", ref, err)
}

func (n NewImage) name() string {
	if n.Repo == "" {
		return "without a name"
	}
	return strings.TrimSuffix(n.Repo+":"+n.Tag, ":")
}

func (n NewImage) check() error {
	if n.Created.IsZero() {
		return errors.New("it has no time of creation")
	}
	if n.Repo == "" {
		return nil
	}
	if err := checkRepo(n.Repo); err != nil {
		return err
	}
	return checkTag(n.Tag)
}

func checkTag(tag string) error {
	if tag != "" && !ociref.IsValidTag(tag) {
		return invalid("%.80q is no tag: those have letters, digits, '_', '.' and '-', 128 at most", tag)
	}
	return nil
}

// commit pins everything that it makes or relies on until the record and the tag protect it from Collect.
func (a Account) commit(ctx context.Context, n NewImage) (digest, error) {
	if err := n.check(); err != nil {
		return "", err
	}
	n.Created = n.Created.UTC().Truncate(time.Second)
	var pinned []func()
	keep := func(keys ...string) { pinned = append(pinned, a.s.pins.pin(keys...)) }
	defer func() {
		for _, release := range pinned {
			release()
		}
	}()
	base, layers, err := a.s.base(ctx, n.Base, keep)
	if err != nil {
		return "", err
	}
	budget := &budget{limit: a.s.cfg.MaxUnpacked}
	for _, tree := range n.Layers {
		m, ok, err := a.s.makeTreeLayer(ctx, tree, n.Created, budget, keep)
		if err != nil {
			return "", err
		}
		if ok {
			layers = append(layers, m)
		}
	}
	if len(layers) == 0 {
		return "", invalid("it would have no files")
	}
	if len(layers) > maxLayers {
		return "", tooLarge("number of layers", maxLayers, "layers")
	}
	return a.finish(n, base, layers, keep)
}

// base returns the record of the image below, and its layers.
func (s *Store) base(ctx context.Context, base string, keep func(...string)) (record, []madeBlob, error) {
	if base == "" {
		return record{}, nil, nil
	}
	d, err := parseDigest(base)
	if err != nil {
		return record{}, nil, &InvalidError{Cause: err}
	}
	keep(imageKey(d))
	r, err := s.readRecord(d)
	if errors.Is(err, os.ErrNotExist) {
		return record{}, nil, &MissingError{Digest: base}
	}
	if err != nil {
		return record{}, nil, err
	}
	keep(layerKeys(r.Layers)...)
	if err := s.touchRecord(d); err != nil {
		return record{}, nil, err
	}
	layers, err := s.baseLayers(ctx, r.Layers, keep)
	return r, layers, err
}

// finish writes what leads to the layers: configuration and manifest, registry, record.
func (a Account) finish(n NewImage, base record, layers []madeBlob, keep func(...string)) (digest, error) {
	cfg := n.configuration(base, layers)
	config, err := json.Marshal(cfg)
	if err != nil {
		return "", err
	}
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Size: int64(len(config)), Digest: asHash(digestOf(config))},
	}
	var ids []digest
	for _, l := range layers {
		manifest.Layers = append(manifest.Layers, l.descriptor())
		ids = append(ids, l.layer)
	}
	data, err := json.Marshal(manifest)
	if err != nil {
		return "", err
	}
	c := chosen{digest: digestOf(data), manifest: manifest}
	keep(imageKey(c.digest), blobKey(c.digest), blobKey(digestOf(config)))
	size, err := a.s.totalSize(withoutRepeats(ids))
	if err != nil {
		return "", err
	}
	if n.Repo != "" {
		if err := a.publish(n, c, config, data); err != nil {
			return "", err
		}
	}
	return c.digest, a.recordMade(c.digest, newRecord(c, cfg, ids, size))
}

func (n NewImage) configuration(base record, layers []madeBlob) *v1.ConfigFile {
	cfg := &v1.ConfigFile{
		Created: v1.Time{Time: n.Created}, OS: platform().OS, Architecture: platform().Architecture,
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint: n.Entrypoint, Cmd: n.Cmd, Env: mergeEnv(base.Image.Env, n.Env),
			WorkingDir: n.WorkingDir, User: n.User, Labels: n.Labels,
		},
	}
	for _, l := range layers {
		cfg.RootFS.DiffIDs = append(cfg.RootFS.DiffIDs, asHash(l.DiffID))
	}
	return cfg
}

// mergeEnv keeps the order of the base and puts what is new behind it.
func mergeEnv(base, own []string) []string {
	key := func(kv string) string { k, _, _ := strings.Cut(kv, "="); return k }
	all := slices.Clone(base)
	for _, kv := range own {
		same := func(have string) bool { return key(have) == key(kv) }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i] = kv
		} else {
			all = append(all, kv)
		}
	}
	return all
}

// publish puts the image into the account's repository: content before link, link before tag.
func (a Account) publish(n NewImage, c chosen, config, manifest []byte) error {
	r := a.repo(n.Repo)
	configID := digest(c.manifest.Config.Digest.String())
	if err := a.s.writeFile(a.s.blobPath(configID), config); err != nil {
		return err
	}
	for _, desc := range append(slices.Clone(c.manifest.Layers), c.manifest.Config) {
		if d := digest(desc.Digest.String()); !r.hasBlob(d) {
			if err := r.write("blobs", d.hex(), ""); err != nil {
				return err
			}
		}
	}
	b := backend{s: a.s}
	return b.storeManifest(r, c.digest, n.Tag, manifest, string(types.OCIManifestSchema1))
}

// recordMade writes the record, or adds the account to the one that is there.
func (a Account) recordMade(d digest, r record) error {
	if a.s.touchRecord(d) == nil {
		return a.s.notePull(d, a.id)
	}
	r.Accounts = []string{a.id}
	return a.s.writeRecord(r)
}

// Tags lists the tags of one of the account's repositories, sorted; none if there is no such repository.
func (a Account) Tags(_ context.Context, repo string) ([]string, error) {
	if err := checkRepo(repo); err != nil {
		return nil, err
	}
	return a.repo(repo).list("tags")
}

// Tag is a name of an image in a repository.
type Tag struct {
	Name   string
	Digest string
	At     time.Time // when it was set
}

// Tagged lists the tags of one of the account's repositories with what they lead to, sorted by name.
func (a Account) Tagged(ctx context.Context, repo string) ([]Tag, error) {
	names, err := a.Tags(ctx, repo)
	var tags []Tag
	for _, name := range names {
		r := a.repo(repo)
		info, statErr := os.Lstat(r.path("tags", name))
		d, err := r.tag(name)
		if err = errors.Join(statErr, err); errors.Is(err, os.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("read tag %s:%s: %w", repo, name, err)
		}
		tags = append(tags, Tag{name, d.String(), info.ModTime()})
	}
	return tags, err
}

// Untag removes a tag of one of the account's repositories. A tag that is not there is no error. The image stays until
// Collect finds that nothing else leads to it.
func (a Account) Untag(_ context.Context, repo, tag string) error {
	if err := checkRepo(repo); err != nil {
		return err
	}
	if tag == "" || checkTag(tag) != nil {
		return nil // no repository can have it
	}
	return removeFile(filepath.Join(a.repo(repo).dir, "tags", tag))
}

package image

import (
	"context"
	"errors"
	"io"
	"time"
)

// NewImage is an image that is made here: layers on top of another image's.
type NewImage struct {
	Base   string // digest of an image that is whole here; "" is none
	Layers []Tree // lowest first

	// Created is the image's time, in whole seconds. No file of the new layers is younger: what has a later time has this
	// one, so that the same content makes the same image whenever it was written.
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

// Tree is a directory whose content becomes a layer. Overlay whiteouts and opaque marks in it are understood.
type Tree struct {
	Dir  string
	Only []string // the subtrees that count, such as "app"; nil is all

	// Move allows taking the files out of Dir in place of copying them, which is much faster where both are on one file
	// system. What is left in Dir is then undefined, also after an error.
	Move bool
}

// Commit makes an image and returns its digest. It blocks until the image is whole on this machine, as after Pull, synced,
// and in the embedded registry under Repo and Tag. The same input makes the same digest; a layer that is here already is
// not made again. What a failed or killed Commit leaves, Collect or the next Open removes.
//
// Sockets and device nodes are left out. Errors are *MissingError for Base, *TooLargeError (Config.MaxUnpacked, 127
// layers, a million files in a layer), *InvalidError for Repo, Tag or Only; others are this machine's own (a full disk).
func (a Account) Commit(ctx context.Context, n NewImage) (string, error) {
	return "", errors.ErrUnsupported
}

// Import makes an image of one layer from a root file system as tar, such as mmdebstrap writes, plain or compressed with
// gzip or zstd. n gives the rest; its Base and Layers must be empty. Otherwise it is like Commit.
func (a Account) Import(ctx context.Context, rootfs io.Reader, n NewImage) (string, error) {
	return "", errors.ErrUnsupported
}

// Tags lists the tags of one of the account's repositories, sorted; none if there is no such repository.
func (a Account) Tags(ctx context.Context, repo string) ([]string, error) {
	return nil, errors.ErrUnsupported
}

// Untag removes a tag of one of the account's repositories. A tag that is not there is no error. The image stays until
// Collect finds that nothing else leads to it.
func (a Account) Untag(ctx context.Context, repo, tag string) error {
	return errors.ErrUnsupported
}

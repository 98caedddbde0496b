// Package keyring holds the one key of a data directory. Secrets that must outlive the server (access keys, credentials
// of connections) are sealed with it before they are stored, and the server's other keys are derived from it. cmd/apron
// opens it and hands its methods to those who need them; it must never log, and never know what it seals.
package keyring

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filippo.io/age"
)

// Ring is an open key. Its methods may be called from many goroutines.
type Ring struct {
	path     string
	identity *age.X25519Identity
}

// Open reads the key file at path and makes it when it is missing, in a form that the age program reads too. Several
// processes may make it at once: one of them wins, and all get its key. A file that holds anything but one key is an
// error, never replaced: what was sealed with its key would be lost.
func Open(path string) (*Ring, error) {
	identity, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make key file: %w; its directory must exist and be yours to write", err)
		}
		identity, err = read(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	return &Ring{path: path, identity: identity}, nil
}

var errDamaged = errors.New("it does not hold one AGE-SECRET-KEY-1...; put its backup in its place, " +
	"or move it away to get a new key, with which nothing that was sealed before can be opened")

func read(path string) (*age.X25519Identity, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w; run apron as the file's owner", err)
	}
	if err != nil {
		return nil, err
	}
	// What age says of a bad line may repeat it.
	found, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(found) != 1 {
		return nil, errDamaged
	}
	identity, ok := found[0].(*age.X25519Identity)
	if !ok {
		return nil, errDamaged
	}
	return identity, nil
}

// Seal encrypts a secret, so that this ring alone opens it. The same secret never looks the same twice.
func (r *Ring) Seal(secret []byte) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, r.identity.Recipient())
	if err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	if _, err := w.Write(secret); err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal secret: %w", err)
	}
	return sealed.Bytes(), nil
}

// Unseal returns what Seal was given. It fails on what was changed since, and on what another ring sealed.
func (r *Ring) Unseal(sealed []byte) ([]byte, error) {
	secret, err := r.unseal(sealed)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
		err = fmt.Errorf("another key sealed it than %s holds; put that key's file back", r.path)
	}
	if err != nil {
		return nil, fmt.Errorf("unseal secret: %w", err)
	}
	return secret, nil
}

func (r *Ring) unseal(sealed []byte) ([]byte, error) {
	plain, err := age.Decrypt(bytes.NewReader(sealed), r.identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

// MACKey derives a key of 32 bytes for a purpose, such as "page tokens", with HKDF-SHA256: the same one every time the
// ring is opened, and one that tells nothing of the ring's key or of those for other purposes.
func (r *Ring) MACKey(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(r.identity.String()), nil, "apron "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only a length that the hash cannot give is an error, and ours is constant
	}
	return key
}

// Package certs has the certificates of the services' port: those of a certificate authority of the platform's own, which it makes
// once and keeps, and those that the operator has from elsewhere. cmd/apron opens it and hands its answers to the edge as a
// function; `apron trust` brings the authority into the stores that clients believe. It must never send or log a key.
package certs

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config is what a CA needs beside its directory.
type Config struct {
	// Domain is the platform's. The authority is bound to it: clients that believe it believe it for names below Domain alone.
	Domain string

	// Lifetime is how long a service's certificate holds, default 90 days. A new one takes its place when a third is left.
	Lifetime time.Duration
}

// CA is the platform's certificate authority. Its methods may be called from many goroutines.
type CA struct {
	domain   string
	lifetime time.Duration
	key      crypto.Signer
	root     *x509.Certificate

	mu     sync.Mutex
	leaves map[string]*tls.Certificate // by region
}

// Open reads the domain's authority in dir and makes it when it is missing or has run out. Several processes may make it at once: one of
// them wins, and all get its key. A file that holds anything else is an error, never replaced: clients may believe what it held.
func Open(dir string, cfg Config) (*CA, error) {
	ca := &CA{
		domain:   cfg.Domain,
		lifetime: cmp.Or(cfg.Lifetime, 90*24*time.Hour),
		leaves:   map[string]*tls.Certificate{},
	}
	path := filepath.Join(dir, cfg.Domain+".pem")
	err := ca.read(path)
	if errors.Is(err, errRunOut) {
		err = retire(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path, cfg.Domain); err != nil {
			return nil, fmt.Errorf("make certificate authority: %w; its directory must be yours to write", err)
		}
		err = ca.read(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read certificate authority %s: %w", path, err)
	}
	return ca, nil
}

var (
	errRunOut  = errors.New("the authority's certificate has run out")
	errDamaged = errors.New("it does not hold a private key and its certificate, as it was written; put its backup in its place, " +
		"or move it away to get a new authority, which `apron trust` has to be called for again")
)

// retire moves an authority that has run out to a name where it is found, and says that there is none.
func retire(path string) error {
	if err := os.Rename(path, path+".expired"); err != nil {
		return err
	}
	return fs.ErrNotExist
}

func (ca *CA) read(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; run apron as the file's owner", err)
	}
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(text, text) // which finds a key that is another certificate's
	if err != nil {
		return errDamaged // what it says may repeat a line
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || pair.Leaf == nil || !pair.Leaf.IsCA {
		return errDamaged
	}
	ca.key, ca.root = key, pair.Leaf
	if time.Now().After(ca.root.NotAfter) {
		return errRunOut
	}
	return nil
}

// PEM is the authority's certificate, as clients take it.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.root.Raw})
}

// Root is the authority's certificate.
func (ca *CA) Root() *x509.Certificate { return ca.root }

package source

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys holds the keys of SSH servers as ~/.ssh/known_hosts does: the first contact with a server records its key, and
// another key later is refused.
type hostKeys struct {
	path string
	mu   sync.Mutex
}

// check gives what the handshake with that server asks, and the key algorithms to ask the server for: those of known keys,
// or a server that has several would show another one than is known. known, if any, is all that counts.
func (h *hostKeys) check(a address, known []byte) (ssh.HostKeyCallback, []string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	pinned := len(bytes.TrimSpace(known)) > 0
	lookup, err := h.load(known, pinned)
	if err != nil {
		return nil, nil, err
	}
	check := func(host string, remote net.Addr, key ssh.PublicKey) error {
		// By name alone: the same server is behind many IP addresses, and a name's record is what was agreed upon.
		err := lookup(host, nowhere{}, key)
		unknown, ok := errors.AsType[*knownhosts.KeyError](err)
		switch {
		case err == nil:
			return nil
		case ok && len(unknown.Want) == 0 && !pinned:
			return h.record(host, key)
		case ok:
			return hostKeyError(a, key, unknown, pinned)
		}
		return refuse("the SSH key of %s is revoked in the known hosts (%v); give the connection its present one with `apron connection authorize --known-hosts FILE`", a.host, err)
	}
	return check, algorithms(lookup, a), nil
}

// load reads the known keys. The package that understands the format reads files only.
func (h *hostKeys) load(known []byte, pinned bool) (ssh.HostKeyCallback, error) {
	path := h.path
	if pinned {
		f, err := os.CreateTemp(filepath.Join(filepath.Dir(h.path), "tmp"), "known-*") // which New empties
		if err != nil {
			return nil, fmt.Errorf("keep the connection's known hosts: %w", err)
		}
		defer os.Remove(f.Name())
		_, err = f.Write(known)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("keep the connection's known hosts: %w", err)
		}
		path = f.Name()
	}
	lookup, err := knownhosts.New(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return func(string, net.Addr, ssh.PublicKey) error { return &knownhosts.KeyError{} }, nil
	case err != nil && pinned:
		return nil, refuse("the connection's known hosts cannot be read; give them as ssh-keyscan prints them")
	case err != nil:
		return nil, fmt.Errorf("read the known host keys: %w", err)
	}
	return lookup, nil
}

// record keeps a server's key at the first contact. Two first contacts at a time must agree.
func (h *hostKeys) record(host string, key ssh.PublicKey) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	lookup, err := h.load(nil, false)
	if err != nil {
		return err
	}
	if err := lookup(host, nowhere{}, key); err == nil {
		return nil
	} else if e, ok := errors.AsType[*knownhosts.KeyError](err); ok && len(e.Want) > 0 {
		return err
	}
	old, err := os.ReadFile(h.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keep the key of %s: %w", host, err)
	}
	return writeFile(h.path, append(old, knownhosts.Line([]string{knownhosts.Normalize(host)}, key)+"\n"...))
}

// hostKeyError says which key was shown and what to do about it.
func hostKeyError(a address, got ssh.PublicKey, e *knownhosts.KeyError, pinned bool) error {
	shown := fmt.Sprintf("%s (%s)", ssh.FingerprintSHA256(got), got.Type())
	switch {
	case len(e.Want) == 0:
		return refuse("%s shows the SSH key %s, and the connection's known hosts have none for it; add it there with `apron connection authorize --known-hosts FILE` if it is right", a.host, shown)
	case pinned:
		return refuse("%s shows the SSH key %s, but the connection's known hosts have another one; if the server was given a new key, correct them with `apron connection authorize --known-hosts FILE`", a.host, shown)
	}
	return refuse("%s shows the SSH key %s, but showed %s (%s) before: the server was given a new key, or someone is in between; if the new one is right, the operator removes the line of %s from the file sources/known_hosts of the data directory",
		a.host, shown, ssh.FingerprintSHA256(e.Want[0].Key), e.Want[0].Key.Type(), a.host)
}

// algorithms is what the known keys of a server can sign with, or nil for whatever both sides like best. The known ones are
// found out by asking about a key that nobody has.
func algorithms(lookup ssh.HostKeyCallback, a address) []string {
	nobodys, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	known, ok := errors.AsType[*knownhosts.KeyError](lookup(a.hostPort(), nowhere{}, nobodys))
	if !ok {
		return nil
	}
	var list []string
	for _, k := range known.Want {
		if k.Key.Type() == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		list = append(list, k.Key.Type())
	}
	return list
}

// nowhere is an address that no line of known hosts names.
type nowhere struct{}

func (nowhere) Network() string { return "tcp" }
func (nowhere) String() string  { return "0.0.0.0:0" }

package aprontest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// baseLimit is how long a base may take, the wait for another test that makes it included, on a machine that has other things
// to do.
const baseLimit = 20 * time.Minute

// RuntimeBase makes the base of a managed runtime, such as python311, with `apron runtime build`, and returns the file that it is
// in, as `docker save` writes them. It needs root, mmdebstrap and a Debian mirror, and takes a minute or so the first time:
// bases are kept in the checkout's bin/bases, for all tests, until what they are made by changes.
func RuntimeBase(ctx context.Context, bin, name string) (string, error) {
	root, err := checkout(ctx)
	if err != nil {
		return "", err
	}
	recipe, err := fingerprint(filepath.Join(root, "build", "runtimes"))
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "bin", "bases")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+"-"+recipe+".tar")
	ctx, cancel := context.WithTimeout(ctx, baseLimit)
	defer cancel()
	unlock, err := lockFile(ctx, path+".lock") // the tests of several packages run side by side
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	unfinished := path + ".unfinished"
	if out, err := exec.CommandContext(ctx, bin, "runtime", "build", name, "--output", unfinished).CombinedOutput(); err != nil {
		return "", fmt.Errorf("make base %s: %w\n%s", name, err, out)
	}
	return path, os.Rename(unfinished, path)
}

// PushBase pushes the base of a managed runtime to where builds of the platform look for it, as `apron runtime build` would have
// done, and returns its name: apron/runtime/python311:3.11.2.
func (p *Platform) PushBase(ctx context.Context, runtime string) (string, error) {
	path, err := RuntimeBase(ctx, p.Bin, runtime)
	if err != nil {
		return "", err
	}
	open := func() (io.ReadCloser, error) { return os.Open(path) }
	manifest, err := tarball.LoadManifest(open)
	if err != nil {
		return "", fmt.Errorf("read base %s: %w", path, err)
	}
	img, err := tarball.Image(open, nil)
	if err != nil {
		return "", fmt.Errorf("read base %s: %w", path, err)
	}
	name := manifest[0].RepoTags[0]
	_, err = p.Push(ctx, img, name)
	return name, err
}

// checkout is the directory of the module that the tests are of.
func checkout(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// fingerprint is of all that says how bases are made.
func fingerprint(dir string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"runtimes.json", "debian.go", "archive.go"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// lockFile waits for the lock, which ends with the process.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for another test that makes the base %s: %w", path, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

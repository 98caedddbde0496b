package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// made is what is kept beside a checkout's files.
type made struct {
	Checkout
	Boot string // of the machine, when it was made
}

func (f *Fetcher) record(dir string, c Checkout) error {
	text, err := json.Marshal(made{c, f.boot})
	if err != nil {
		return fmt.Errorf("write the checkout: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "checkout.json"), text, 0o600); err != nil {
		return fmt.Errorf("write the checkout: %w", err)
	}
	return nil
}

// load gives a checkout that is there and of this run of the machine, and notes that it is used.
func (f *Fetcher) load(dir string) (Checkout, bool) {
	text, err := os.ReadFile(filepath.Join(dir, "checkout.json"))
	if err != nil {
		return Checkout{}, false
	}
	var m made
	if err := json.Unmarshal(text, &m); err != nil || m.Boot != f.boot {
		return Checkout{}, false
	}
	now := time.Now()
	_ = os.Chtimes(filepath.Join(dir, "checkout.json"), now, now) // for Kept; without it the checkout is made again some day
	m.Dir = filepath.Join(dir, "files")
	return m.Checkout, true
}

// Sub gives the directory inside app that a SourceDirectory names; "" and "/" are app itself. It is an *Error when there is
// no such directory, or only by way of a link that leads out of the repository.
func (c Checkout) Sub(directory string) (string, error) {
	name := strings.Trim(path.Clean("/"+directory), "/")
	for part := range strings.SplitSeq(directory, "/") {
		if part == ".." {
			return "", refuse("the source directory %q leads upwards; give a path from the top of the repository", directory)
		}
	}
	app := filepath.Join(c.Dir, "app")
	root, err := os.OpenRoot(app)
	if err != nil {
		return "", fmt.Errorf("look at the checkout: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(orDefault(name, "."))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", refuse("the commit %.12s has no directory %s; check the source directory, or push it", c.Commit.ID, shown(name))
	case err != nil:
		return "", refuse("the source directory %s cannot be followed inside of the repository; name the directory itself, not a link", shown(name))
	case !info.IsDir():
		return "", refuse("the source directory %s is a file in the commit %.12s; name the directory that it is in", shown(name), c.Commit.ID)
	}
	top, errTop := filepath.EvalSymlinks(app)
	dir, errDir := filepath.EvalSymlinks(filepath.Join(app, name))
	rel, errRel := filepath.Rel(top, dir)
	if err := errors.Join(errTop, errDir, errRel); err != nil {
		return "", fmt.Errorf("look at the checkout: %w", err)
	}
	return filepath.Join(app, rel), nil
}

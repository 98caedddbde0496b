package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// keptTags is how many of a service's images have a tag in the registry: as many as deployments that can be gone back to.
const keptTags = 10

// state is what is remembered of a service between builds: services/<id>/state.json.
type state struct {
	Account string   `json:"account"`
	Repo    string   `json:"repo"` // of the embedded registry
	Tags    []string `json:"tags"` // oldest first

	// Pending is the key of the last build that began and has not succeeded; Failures counts such builds since the last that did.
	Pending  string    `json:"pending,omitempty"`
	Failures int       `json:"failures,omitempty"`
	Used     time.Time `json:"used"`
}

var serviceForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`) })

// serviceDir is where what belongs to a service is; its caches are in it too.
func (b *Builder) serviceDir(service string) (string, error) {
	if !serviceForm().MatchString(service) {
		return "", fmt.Errorf("service id %q is not valid", service)
	}
	return filepath.Join(b.cfg.Dir, "services", service), nil
}

// readState reads what is there. A file that a crash has torn, or that is from another time, is none: what it says can all be
// done without.
func (b *Builder) readState(service string) (state, error) {
	dir, err := b.serviceDir(service)
	if err != nil {
		return state{}, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	var st state
	if err := json.Unmarshal(data, &st); err != nil {
		b.cfg.Log.Warn("what was known of a service's builds cannot be read and is forgotten", "service_id", service, "error", err)
		return state{}, nil
	}
	return st, nil
}

// writeState replaces the file by way of a temporary one.
func (b *Builder) writeState(service string, st state) error {
	dir, err := b.serviceDir(service)
	if err != nil {
		return err
	}
	st.Used = time.Now().UTC()
	data, err := json.Marshal(st)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "state-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone by its new name, but for errors
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, "state.json")); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.OpenFile(dir, unix.O_DIRECTORY|os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// tagged adds a tag as the newest and returns those that are too old.
func (st *state) tagged(tag string) (old []string) {
	st.Tags = append(slices.DeleteFunc(st.Tags, func(t string) bool { return t == tag }), tag)
	if n := len(st.Tags) - keptTags; n > 0 {
		old, st.Tags = st.Tags[:n], st.Tags[n:]
	}
	return old
}

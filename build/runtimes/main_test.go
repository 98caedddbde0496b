package runtimes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"apron/build/runtimes"
	"apron/driver/container"
	"apron/image"
	"apron/image/imagetest"
)

// program prints the version that the file /version beside it holds, as runtimes' version commands do.
var program []byte

func TestMain(m *testing.M) {
	container.Init()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "apron-runtimes-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	source, file := filepath.Join(dir, "main.go"), filepath.Join(dir, "python3")
	const text = "package main\n\nimport \"os\"\n\nfunc main() {\n\ttext, _ := os.ReadFile(\"/version\")\n\tos.Stderr.Write(text)\n\tif len(text) == 0 {\n\t\tos.Exit(3)\n\t}\n}\n"
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		panic(err)
	}
	build := exec.Command("go", "build", "-o", file, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the test program: %v\n%s", err, out)
		return 1
	}
	if program, err = os.ReadFile(file); err != nil {
		panic(err)
	}
	return m.Run()
}

const owner, stranger = "111111111111", "222222222222"

// rig is a machine with an image store, its embedded registry, a container driver and, elsewhere, a registry.
type rig struct {
	*runtimes.Bases
	t      *testing.T
	dir    string
	images *image.Store
	driver *container.Driver

	own     map[string]string // hosts of the embedded registry as each account sees it
	outside string            // host of the other registry
	server  *httptest.Server  // which serves it

	mu    sync.Mutex
	lines []string // of the deployment's log
}

func newRig(t *testing.T, change func(*rig, *runtimes.Config)) *rig {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: images are unpacked and version commands run in containers")
	}
	r := &rig{t: t, dir: t.TempDir(), own: map[string]string{}}
	r.server = httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo))))
	t.Cleanup(r.server.Close)
	r.outside = strings.TrimPrefix(r.server.URL, "http://")
	r.openImages()
	r.openDriver()
	cfg := runtimes.Config{
		Dir: filepath.Join(r.dir, "runtimes"), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Images: r.images, Driver: r.driver,
		Registry: r.own[owner], Reach: time.Second,
	}
	if change != nil {
		change(r, &cfg)
	}
	var err error
	if r.Bases, err = runtimes.New(cfg); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) openImages() {
	cfg := image.Config{Owner: owner, Retries: 1}
	handlers := map[string]*lateHandler{owner: {}, stranger: {}}
	for account, h := range handlers {
		server := httptest.NewServer(h)
		r.t.Cleanup(server.Close)
		r.own[account] = strings.TrimPrefix(server.URL, "http://")
	}
	cfg.LocalHosts = []string{r.own[owner]}
	var err error
	if r.images, err = image.Open(filepath.Join(r.dir, "images"), cfg); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.images.Close() })
	for account, h := range handlers {
		h.Handler = r.images.Account(account).Registry(false)
	}
}

func (r *rig) openDriver() {
	dir := filepath.Join(r.dir, "driver")
	var err error
	r.driver, err = container.New(container.Config{
		Dir: dir, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Image: r.images.Image, Namespace: container.Namespace(dir),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		left, err := r.driver.Recover(ctx)
		for _, inst := range left {
			r.t.Errorf("instance %s is left", inst.Spec.ID)
			err = errors.Join(err, r.driver.Destroy(ctx, inst.Spec.ID))
		}
		if err := errors.Join(err, r.driver.RemoveNetwork(ctx), r.driver.Close()); err != nil {
			r.t.Error(err)
		}
	})
}

// push pushes a base whose python3 prints this.
func (r *rig) push(ref, prints string) (digest string) {
	r.t.Helper()
	return imagetest.Push(r.t, imagetest.Static(r.t, map[string][]byte{"/usr/bin/python3": program, "/version": []byte(prints)},
		v1.Config{Env: []string{"PATH=/usr/bin"}}), ref, nil)
}

// built pushes a base as `apron runtime build` does.
func (r *rig) built(account, version string) (digest string) {
	r.t.Helper()
	return r.push(r.own[account]+"/"+runtimes.Repository("python311")+":"+version, "Python "+version+"\n")
}

func (r *rig) line(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, text)
}

// log is what was told since the last call.
func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.Join(r.lines, "\n")
	r.lines = nil
	return text
}

func (r *rig) find(account, lock string) (runtimes.Base, error) {
	rt, _ := runtimes.Lookup("python311")
	return r.Find(r.t.Context(), account, rt, lock, r.line)
}

// lateHandler is a handler that is known only after its server's address.
type lateHandler struct{ http.Handler }

// configured makes the outside registry's python:{version} the base of python311.
func configured(r *rig, cfg *runtimes.Config) {
	cfg.Map = map[string]string{"python311": r.outside + "/python:{version}"}
}

//go:build linux && cgo

package build_test

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"apron/build"
	"apron/build/runtimes"
	"apron/driver"
	"apron/driver/container"
	"apron/image"
	"apron/image/imagetest"
)

const (
	account   = "123456789012"
	serviceID = "0123456789abcdef0123456789abcdef"
)

func TestMain(m *testing.M) {
	container.Init()
	if os.Getenv(childEnv) != "" {
		childMain()
	}
	os.Exit(m.Run())
}

// rig is a builder on a real driver and image store, with what it was told and what it said.
type rig struct {
	*build.Builder
	t      testing.TB
	dir    string
	images *image.Store
	driver *container.Driver
	base   runtimes.Base // of every runtime
	cfg    build.Config

	mu     sync.Mutex
	kept   map[string]string // by account, service and key
	onLine func(string)      // nil, or is called with each line before it is noted
	lines  []line
}

type line struct {
	text string
	at   time.Time
}

// newRig makes everything in a directory of its own, on a base with busybox alone.
func newRig(t testing.TB, change ...func(*build.Config)) *rig {
	t.Helper()
	r := newRigIn(t, t.TempDir(), change...)
	r.base = r.pushBase("busybox", busybox(t))
	return r
}

func newRigIn(t testing.TB, dir string, change ...func(*build.Config)) *rig {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: builds run in containers that are made for real")
	}
	r := &rig{t: t, dir: dir, kept: map[string]string{}}
	r.open(change...)
	t.Cleanup(r.close)
	return r
}

func (r *rig) open(change ...func(*build.Config)) {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(r.t.Output(), nil))
	var err error
	if r.images, err = image.Open(filepath.Join(r.dir, "images"), image.Config{Log: log, Owner: account}); err != nil {
		r.t.Fatal(err)
	}
	r.driver, err = container.New(container.Config{
		Dir: filepath.Join(r.dir, "driver"), Log: log, Image: r.images.Image, Namespace: r.dir,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.cfg = build.Config{
		Log: log, Dir: filepath.Join(r.dir, "builds"), Images: r.images, Driver: r.driver, Bases: r, Find: nil,
		CPU: 2048, Memory: 256, Disk: 1024, Limit: time.Minute, Parallel: 2,
	}
	r.cfg.Find, r.cfg.Keep = r.find, r.keep
	for _, c := range change {
		c(&r.cfg)
	}
	if r.Builder, err = build.New(r.cfg); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) close() {
	r.noLeftovers()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	left, err := r.driver.Recover(ctx)
	for _, inst := range left {
		err = errors.Join(err, r.driver.Destroy(ctx, inst.Spec.ID))
	}
	if err := errors.Join(err, r.driver.RemoveNetwork(ctx), r.driver.Close(), r.images.Close()); err != nil {
		r.t.Errorf("clean up: %v", err)
	}
}

// noLeftovers holds what every build promises, however it ends.
func (r *rig) noLeftovers() {
	r.t.Helper()
	for _, dir := range []string{"driver/instances", "builds/work"} {
		entries, err := os.ReadDir(filepath.Join(r.dir, dir))
		if len(entries) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
			r.t.Errorf("left in %s: %v, %v", dir, entries, err)
		}
	}
	tags, err := r.images.Account(account).Tags(context.Background(), "apron/web")
	if err != nil || slices.ContainsFunc(tags, func(t string) bool { return strings.HasPrefix(t, "draft") }) {
		r.t.Errorf("tags: %v, %v", tags, err)
	}
}

// Find is that of Bases: runtimes has tests of its own.
func (r *rig) Find(_ context.Context, _ string, _ runtimes.Runtime, lock string, _ func(string)) (runtimes.Base, error) {
	if lock == "99" {
		return runtimes.Base{}, &runtimes.Error{Reason: "There is no version 99."}
	}
	return r.base, nil
}

func (r *rig) find(_ context.Context, account, service, key string) (string, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	digest, ok := r.kept[account+service+key]
	return digest, ok, nil
}

func (r *rig) keep(_ context.Context, account, service, key, digest string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[account+service+key] = digest
	return nil
}

func (r *rig) line(s string) {
	if r.onLine != nil {
		r.onLine(s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line{s, time.Now()})
}

// log is what was said since the last call.
func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, l := range r.lines {
		b.WriteString(l.text + "\n")
	}
	r.lines = nil
	return b.String()
}

// await waits for a line that has the text.
func (r *rig) await(text string) time.Time {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		i := slices.IndexFunc(r.lines, func(l line) bool { return strings.Contains(l.text, text) })
		if i >= 0 {
			defer r.mu.Unlock()
			return r.lines[i].at
		}
		r.mu.Unlock()
	}
	r.t.Fatalf("no line with %q in:\n%s", text, r.log())
	return time.Time{}
}

// busybox is an image with busybox alone, whose applets are all that there is.
func busybox(t testing.TB) v1.Image {
	t.Helper()
	const path = "/bin/busybox"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("needs Debian's busybox-static: %v", err)
	}
	out, err := exec.Command(path, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	var entries []imagetest.Entry
	for _, dir := range []string{"bin", "dev", "etc", "lib", "proc", "sys"} { // as every real base has them
		entries = append(entries, imagetest.Entry{Header: tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755}})
	}
	entries = append(entries, []imagetest.Entry{
		{Header: tar.Header{Name: "bin/busybox", Mode: 0o755}, Body: data},
		{Header: tar.Header{Name: "etc/passwd", Mode: 0o644}, Body: []byte("root:x:0:0:root:/root:/bin/sh\n")},
		{Header: tar.Header{Name: "root", Typeflag: tar.TypeDir, Mode: 0o700}},
		{Header: tar.Header{Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o1777}},
		{Header: tar.Header{Name: "lib/removable", Mode: 0o644}, Body: []byte("of the base\n")},
	}...)
	for applet := range strings.FieldsSeq(string(out)) {
		if applet != "busybox" {
			entries = append(entries, imagetest.Entry{Header: tar.Header{Name: "bin/" + applet, Typeflag: tar.TypeSymlink, Linkname: "busybox"}})
		}
	}
	return imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{Env: []string{"PATH=/bin", "OF_BASE=yes"}}, imagetest.Layer(t, entries...))
}

func (r *rig) pushBase(name string, img v1.Image) runtimes.Base {
	r.t.Helper()
	srv := httptest.NewServer(r.images.Registry())
	defer srv.Close()
	imagetest.Push(r.t, img, strings.TrimPrefix(srv.URL, "http://")+"/"+name+":1", nil)
	digest, err := r.images.Pull(r.t.Context(), name+":1", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return runtimes.Base{Image: digest, Version: "1.2.3", Ref: name + ":1"}
}

// request is a build of a commit with these files.
func (r *rig) request(f files) build.Request {
	r.t.Helper()
	return build.Request{
		Account: account, Service: serviceID, Name: "web", Operation: operationID(), Checkout: checkout(r.t, f), Line: r.line,
		Repository: "https://git.example/web",
	}
}

func operationID() string {
	sum := sha256.Sum256(fmt.Append(nil, time.Now().UnixNano()))
	return hex.EncodeToString(sum[:16])
}

// must builds what has to succeed.
func (r *rig) must(req build.Request) build.Result {
	r.t.Helper()
	res, err := r.Build(r.t.Context(), req)
	if err != nil {
		r.t.Fatalf("build: %v\n%s", err, r.log())
	}
	r.noLeftovers()
	return res
}

// refused builds what has to fail by the user's fault.
func (r *rig) refused(req build.Request) *build.Error {
	r.t.Helper()
	res, err := r.Build(r.t.Context(), req)
	e, ok := errors.AsType[*build.Error](err)
	if !ok {
		r.t.Fatalf("build: %+v, %v; want a *build.Error\n%s", res, err, r.log())
	}
	r.noLeftovers()
	return e
}

// in runs a shell command in an instance of the image and returns what it prints.
func (r *rig) in(res build.Result, command string) string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "log")
	id := operationID()
	spec := driver.Spec{
		ID: id, Service: "test", Image: res.Image, Host: res.Host, Command: []string{"/bin/sh", "-c", command}, CPU: 1024, Memory: 256, LogPath: path,
	}
	if err := r.driver.Start(r.t.Context(), spec); err != nil {
		r.t.Fatal(err)
	}
	defer func() {
		if err := r.driver.Destroy(context.Background(), id); err != nil {
			r.t.Error(err)
		}
	}()
	if _, err := r.driver.Wait(r.t.Context(), id); err != nil {
		r.t.Fatal(err)
	}
	out, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(out)
}

//go:build linux && cgo

package container

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"apron/driver"
	"apron/image"
)

// layer is a directory with the test program in it, the one layer of most tests' images.
var layer string

func TestMain(m *testing.M) {
	Init()
	if os.Getenv(childEnv) != "" {
		childMain()
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "apron-container-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("TMPDIR", dir) // so that the directories of all tests are found when they are interrupted
	go cleanWhenInterrupted(dir)
	layer = filepath.Join(dir, "layer")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(layer, "app"), "./testdata/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the test program: %v\n%s", err, out)
		return 1
	}
	if err := os.Chmod(layer, 0o755); err != nil {
		panic(err)
	}
	return m.Run()
}

// cleanWhenInterrupted does at ^C what the tests' own ends would have done: it removes every instance and network.
func cleanWhenInterrupted(dir string) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, unix.SIGTERM)
	<-interrupted
	signal.Ignore(unix.SIGPIPE) // the go command has gone already, and with it what reads our output
	fmt.Println("interrupted: removing the tests' instances")
	for range 3 { // the tests go on meanwhile
		found, _ := filepath.Glob(filepath.Join(dir, "*", "*", "instances"))
		for _, instances := range found {
			if err := cleanDir(filepath.Dir(instances)); err != nil {
				fmt.Println(err)
			}
		}
	}
	os.RemoveAll(dir)
	os.Exit(130)
}

func cleanDir(dir string) error {
	d, err := New(Config{Dir: dir, Log: slog.New(slog.DiscardHandler), Image: noImage, Namespace: dir})
	if err != nil {
		return err
	}
	return clean(d)
}

func noImage(context.Context, string) (image.Image, error) {
	return image.Image{}, errors.New("the tests were interrupted")
}

// clean removes what the driver, and others on its directory before it, have made.
func clean(d *Driver) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	list, err := d.Recover(ctx)
	for _, inst := range list {
		err = errors.Join(err, d.Destroy(ctx, inst.Spec.ID))
	}
	return errors.Join(err, d.RemoveNetwork(ctx), d.Close())
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces, mounts and cgroups are made for real")
	}
}

// host is a Driver on a directory of its own, and the images that it knows.
type host struct {
	*Driver
	t      testing.TB
	dir    string
	images map[string]image.Image
}

func newHost(t testing.TB) *host { return newHostIn(t, t.TempDir()) }

func newHostIn(t testing.TB, dir string) *host {
	needRoot(t)
	h := &host{t: t, dir: dir, images: map[string]image.Image{"sha256:app": appImage()}}
	h.open()
	t.Cleanup(h.cleanup)
	return h
}

func appImage() image.Image {
	return image.Image{
		Digest: "sha256:app", Architecture: runtime.GOARCH, Layers: []string{layer},
		Entrypoint: []string{"/app"}, Env: []string{"FROM_IMAGE=yes", "BOTH=image"},
	}
}

func (h *host) find(_ context.Context, digest string) (image.Image, error) {
	img, ok := h.images[digest]
	if !ok {
		return image.Image{}, fmt.Errorf("no image %s", digest)
	}
	return img, nil
}

// open makes the Driver, as a server does when it starts. Called again, it stands for the next server.
func (h *host) open() {
	h.t.Helper()
	d, err := New(Config{Dir: h.dir, Log: slog.New(slog.NewTextHandler(testLog{h.t}, nil)), Image: h.find, Namespace: h.dir})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Driver = d
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) { return l.t.Output().Write(p) }

func (h *host) cleanup() {
	if err := clean(h.Driver); err != nil {
		h.t.Errorf("clean up: %v", err)
	}
}

func newID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func (h *host) spec() driver.Spec {
	return driver.Spec{
		ID: newID(), Service: "svc", Revision: "rev", Image: "sha256:app", CPU: 1024, Memory: 512, DiskMiB: 3072,
		Env: []string{"PORT=8080", "BOTH=spec"}, LogPath: filepath.Join(h.dir, newID()+".log"),
	}
}

// start starts an instance and waits for its first answer.
func (h *host) start(spec driver.Spec) string {
	h.t.Helper()
	if err := h.Start(h.t.Context(), spec); err != nil {
		h.t.Fatalf("start: %v", err)
	}
	h.awaitServing(spec)
	return spec.ID
}

func (h *host) awaitServing(spec driver.Spec) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		conn, err := h.Dial(h.t.Context(), spec.ID, 8080)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(spec.LogPath)
			h.t.Fatalf("instance does not serve: %v\n%s", err, log)
		}
	}
}

func (h *host) client(id string) *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return h.Dial(ctx, id, 8080) },
	}}
}

// ask sends a request to the program in the instance and returns status and body.
func (h *host) ask(id, path string, query ...string) (int, string) {
	h.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	resp, err := h.client(id).Get("http://instance" + path + "?" + values.Encode())
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(body))
}

func (h *host) mustAsk(id, path string, query ...string) string {
	h.t.Helper()
	status, body := h.ask(id, path, query...)
	if status != 200 {
		h.t.Fatalf("%s %v: %d %s", path, query, status, body)
	}
	return body
}

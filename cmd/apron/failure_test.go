package main_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"apron/aprontest"
)

// TestCreate_ThatFails_SaysWhyAndLeavesNothing is promise 5, for everything that a user can get wrong: the service ends
// as CREATE_FAILED, the operation's log names the cause, nothing is left on the machine, and UpdateService rebuilds it.
func TestCreate_ThatFails_SaysWhyAndLeavesNothing(t *testing.T) {
	for what, c := range map[string]struct {
		image     func(*world) string
		variables map[string]string
		says      []string
	}{
		"no such image": {
			image: func(w *world) string { return w.registry() + "/nothing:1" },
			says:  []string{"Failed to pull your application image. Reason: ECR image doesn't exist.", "nothing:1"},
		},
		"image for another CPU": {
			image: pushForeign,
			says:  []string{"foreign:1", "s390x"},
		},
		"container exits at once": {
			image:     ref("app:1"),
			variables: map[string]string{"EXIT_AT_START": "3"},
			says:      []string{"Container exit code: 3", "ending at start with code 3"},
		},
		"nobody listens on the port": {
			image:     ref("app:1"),
			variables: map[string]string{"NEVER_LISTEN": "1"},
			says:      []string{"Health check failed", "8080"},
		},
		"registry dies mid-pull": {
			image: dyingRegistry,
			says:  []string{"Failed to pull your application image. Reason: "},
		},
		"program is missing": {
			image: pushWithoutProgram,
			says:  []string{"/missing"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "APRON_START_ALLOWANCE=5s")
			if err := createWith(c.image(w), c.variables)(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			w.ends(types.OperationStatusFailed)
			w.holds(types.ServiceStatusCreateFailed)
			got := w.logs("--deployment")
			for _, part := range c.says {
				if !strings.Contains(got, part) {
					t.Errorf("the deployment's log lacks %q:\n%s", part, got)
				}
			}
			w.do(updateGood)
			w.holds(types.ServiceStatusRunning)
		})
	}
}

// TestUpdate_ThatFails_KeepsTheOldVersion wants no gap in the answers and the old configuration back.
func TestUpdate_ThatFails_KeepsTheOldVersion(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	_, before, err := w.get("/")
	if err != nil {
		t.Fatal(err)
	}
	if err := updateToBroken(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	w.ends(types.OperationStatusRollbackSucceeded)
	w.holds(types.ServiceStatusRunning)
	if _, after, err := w.get("/"); err != nil || after != before {
		t.Errorf("answer = %q, %v; want %q, from the same instance", after, err, before)
	}
	if got := w.logs("--deployment"); !strings.Contains(got, "Container exit code: 3") {
		t.Errorf("the deployment's log lacks the reason:\n%s", got)
	}
	w.do(pause) // the service can be worked with as before
	w.holds(types.ServiceStatusPaused)
}

func (w *world) logs(args ...string) string {
	w.Helper()
	out, err := exec.Command(programs.apron, append([]string{"logs", "--data", w.data, "web-app"}, args...)...).CombinedOutput()
	if err != nil {
		w.Fatalf("apron logs: %v\n%s", err, out)
	}
	return string(out)
}

// registry is the host of the platform's own registry, as a reference names it.
func (w *world) registry() string { return strings.TrimPrefix(w.platform.APIURL(), "http://") }

func ref(name string) func(*world) string { return func(*world) string { return name } }

func updateGood(ctx context.Context, w *world) error {
	return updateTo(ctx, w, "hello:1", map[string]string{})
}

// push changes the configuration of an image of hello and pushes it.
func (w *world) push(name string, change func(*v1.ConfigFile)) string {
	w.Helper()
	img, err := aprontest.Image(programs.hello)
	if err != nil {
		w.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		w.Fatal(err)
	}
	config = config.DeepCopy()
	change(config)
	if img, err = mutate.ConfigFile(img, config); err == nil {
		_, err = w.platform.Push(w.Context(), img, name)
	}
	if err != nil {
		w.Fatal(err)
	}
	return name
}

func pushForeign(w *world) string {
	return w.push("foreign:1", func(c *v1.ConfigFile) { c.Architecture = "s390x" })
}

func pushWithoutProgram(w *world) string {
	return w.push("empty:1", func(c *v1.ConfigFile) { c.Config.Entrypoint = []string{"/missing"} })
}

// dyingRegistry is a registry of its own that breaks off every layer after a few bytes.
func dyingRegistry(w *world) string {
	w.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	var dying atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if dying.Load() && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			breakOff(rw)
			return
		}
		inner.ServeHTTP(rw, r)
	}))
	w.Cleanup(server.Close)
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/dying:1")
	if err != nil {
		w.Fatal(err)
	}
	img, err := random.Image(100_000, 1) // no layer of it is on this machine already
	if err == nil {
		img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(img)}})
	}
	if err == nil {
		err = remote.Write(tag, img)
	}
	if err != nil {
		w.Fatal(err)
	}
	dying.Store(true)
	return tag.String()
}

func diffIDs(img v1.Image) []v1.Hash {
	config, err := img.ConfigFile()
	if err != nil {
		return nil // writing the image reports it
	}
	return config.RootFS.DiffIDs
}

func breakOff(rw http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprint(buf, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nonly a little")
	buf.Flush()
}

package drivertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"apron/driver"
)

// patience bounds every call and every wait of the suite.
const patience = 30 * time.Second

// bench is a driver on the test bench: it fails the test where a call that must succeed does not.
type bench struct {
	Harness
	driver.Driver
	t   *testing.T
	ctx context.Context
}

// spec is an instance that nothing is wrong with, plus env.
func (b *bench) spec(env ...string) driver.Spec {
	id := newID()
	return driver.Spec{
		ID: id, Service: "service", Revision: "revision", Image: b.Image,
		Env: append([]string{fmt.Sprintf("PORT=%d", Port)}, env...),
		CPU: 1024, Memory: 128, DiskMiB: 64,
		LogPath: filepath.Join(b.t.TempDir(), id+".log"),
	}
}

func newID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// start runs the instance until the end of the test.
func (b *bench) start(spec driver.Spec) driver.Spec {
	b.t.Helper()
	b.destroyAtEnd(spec.ID)
	if err := b.Start(b.ctx, spec); err != nil {
		b.t.Fatal("Start:", err)
	}
	return spec
}

// serve is start, and then waits until the instance answers.
func (b *bench) serve(env ...string) driver.Spec {
	b.t.Helper()
	spec := b.start(b.spec(env...))
	b.get(spec.ID, "/")
	return spec
}

func (b *bench) destroyAtEnd(id string) {
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Destroy(ctx, id); err != nil {
			b.t.Error("Destroy at the end:", err)
		}
	})
}

// get waits until the instance listens and returns the body of a 200.
func (b *bench) get(id, path string) string {
	b.t.Helper()
	status, body, err := 0, "", error(nil)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if status, body, err = b.try(id, path); err == nil {
			break
		}
	}
	if err != nil || status != http.StatusOK {
		b.t.Fatalf("GET %s: status %d, body %q, %v", path, status, body, err)
	}
	return body
}

// try is one request, whatever comes of it.
func (b *bench) try(id, path string) (status int, body string, err error) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return b.Dial(ctx, id, Port)
		},
	}}
	resp, err := client.Get("http://instance" + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (b *bench) wait(id string) driver.Exit {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	exit, err := b.Wait(ctx, id)
	if err != nil {
		b.t.Fatal("Wait:", err)
	}
	return exit
}

func (b *bench) stop(id string, grace time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := b.Stop(ctx, id, grace); err != nil {
		b.t.Fatal("Stop:", err)
	}
}

func (b *bench) destroy(id string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := b.Destroy(ctx, id); err != nil {
		b.t.Fatal("Destroy:", err)
	}
}

func (b *bench) state(id string) driver.State {
	b.t.Helper()
	found, err := b.Inspect(b.ctx, id)
	if err != nil {
		b.t.Fatal("Inspect:", err)
	}
	return found.State
}

func (b *bench) usage(id string) driver.Usage {
	b.t.Helper()
	found, err := b.Inspect(b.ctx, id)
	if err != nil {
		b.t.Fatal("Inspect:", err)
	}
	return found.Usage
}

package main_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// TestActivation_AStopAndAStartLoseNoConnection holds the listening sockets as systemd does, and wants every request that comes while
// no server runs to be answered by the next one.
func TestActivation_AStopAndAStartLoseNoConnection(t *testing.T) {
	api, edge := listening(t), listening(t)
	w := &world{T: t, data: filepath.Join(t.TempDir(), "data"), greeting: "hello"}
	w.activate(api, edge)
	t.Cleanup(w.stop)
	img, err := aprontest.Image(programs.app)
	if err == nil {
		_, err = w.platform.Push(t.Context(), img, "app:1")
	}
	if err != nil {
		t.Fatal(err)
	}
	w.do(createWith("app:1", nil))
	if got, want := w.platform.Env["APRON_EDGE_URL"], "http://"+edge.Addr().String(); got != want {
		t.Fatalf("services are at %s, want %s", got, want)
	}
	if err := w.platform.Stop(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() {
		c := &rawClient{address: edge.Addr().String(), host: w.url}
		answer <- c.send("POST", "/", http.StatusOK)
		c.close()
	}()
	select {
	case err := <-answer:
		t.Fatalf("an answer while there is no server: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	w.activate(api, edge)
	if err := <-answer; err != nil {
		t.Errorf("what was sent while there was no server: %v", err)
	}
	w.upgraded() // hands on systemd's own sockets
	w.holds(types.ServiceStatusRunning)
}

func TestActivation_RefusesSocketsThatItCannotPlace(t *testing.T) {
	for names, reason := range map[string]string{
		"apron.socket:edge": `a socket named "apron.socket"; set FileDescriptorName=api or FileDescriptorName=edge`,
		"edge:edge":         `2 sockets named "edge"`,
	} {
		out, err := activated(filepath.Join(t.TempDir(), "data"), names, listening(t), listening(t)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), reason) {
			t.Errorf("serve with %s = %v, %s; want %s", names, err, out, reason)
		}
	}
}

func listening(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// activated is a server that is started with the sockets, as systemd does it.
func activated(data, names string, sockets ...*net.TCPListener) *exec.Cmd {
	// LISTEN_PID is the process's own id, which only the process itself knows in time.
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", programs.apron, "serve", "--verbose", "--data", data, "--disk-high", "100")
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES="+names)
	for _, l := range sockets {
		f, err := l.File()
		if err != nil {
			panic(err) // it is open
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	return cmd
}

func (w *world) activate(api, edge *net.TCPListener) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	p, err := aprontest.Run(ctx, activated(w.data, "api:edge", api, edge), programs.apron, w.data)
	if err != nil {
		w.Fatal(err)
	}
	w.platform, w.client = p, p.Client()
}

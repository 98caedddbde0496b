//go:build linux && cgo

package container

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/driver"
	"apron/image"
)

// childEnv makes the test binary a server that starts one instance, says so, and waits to be killed.
const childEnv = "APRON_CONTAINER_TEST_CHILD"

type childJob struct {
	Dir   string
	Spec  driver.Spec
	Image image.Image
}

func childMain() {
	var job childJob
	err := json.Unmarshal([]byte(os.Getenv(childEnv)), &job)
	if err == nil {
		var d *Driver
		if d, err = New(Config{
			Dir: job.Dir, Namespace: job.Dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Image: func(context.Context, string) (image.Image, error) { return job.Image, nil },
		}); err == nil {
			err = d.Start(context.Background(), job.Spec)
		}
	}
	fmt.Println("started:", err)
	time.Sleep(time.Minute)
	os.Exit(1)
}

// server starts another process that starts the instance.
func (h *host) server(spec driver.Spec) (*exec.Cmd, *bufio.Reader) {
	h.t.Helper()
	job, err := json.Marshal(childJob{h.dir, spec, h.images[spec.Image]})
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+string(job))
	cmd.Stderr = h.t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, bufio.NewReader(out)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // signal: killed
}

// orphan starts an instance by a server that is then killed, and returns it as the next server finds it.
func (h *host) orphan(spec driver.Spec) driver.Instance {
	h.t.Helper()
	cmd, out := h.server(spec)
	if line, err := out.ReadString('\n'); err != nil || line != "started: <nil>\n" {
		h.t.Fatalf("server: %q %v", line, err)
	}
	kill(h.t.(*testing.T), cmd)
	list, err := h.Recover(h.t.Context())
	if err != nil || len(list) != 1 {
		h.t.Fatalf("recover: %+v %v", list, err)
	}
	return list[0]
}

func TestKill9_AnInstanceOutlivesItsServer(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	inst := h.orphan(spec)
	if inst.State != driver.Running || inst.Spec.Service != "svc" || inst.Spec.ID != spec.ID || inst.StartedAt.IsZero() {
		t.Errorf("recovered %+v", inst)
	}
	h.awaitServing(spec)
	if got := h.mustAsk(spec.ID, "/"); got != "ok" {
		t.Errorf("answers %q", got)
	}
	if err := h.Start(t.Context(), spec); !errors.Is(err, driver.ErrExists) {
		t.Errorf("start of what was recovered: %v", err)
	}
	neighbour := h.start(h.spec()) // gets another address
	if h.Driver.find(neighbour).recorded().Address == h.Driver.find(spec.ID).recorded().Address {
		t.Error("two instances have one address")
	}
	begin := time.Now()
	if err := h.Stop(t.Context(), spec.ID, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("stop took %s", took)
	}
	if log, _ := os.ReadFile(spec.LogPath); !strings.Contains(string(log), "got terminated") {
		t.Errorf("log %q", log)
	}
	if err := h.Destroy(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	h.mustBeGone(spec.ID)
}

func TestKill9_TheExitCodeOfARecoveredInstanceIsSeen(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	h.orphan(spec)
	h.awaitServing(spec)
	h.ask(spec.ID, "/exit", "code", "42")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exit, err := h.Wait(ctx, spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	if exit.Code == -1 {
		t.Skip("the host's init collected the status first, and this kernel does not tell it after that (PIDFD_INFO_EXIT, 6.15)")
	}
	if exit.Code != 42 || exit.Signal != 0 {
		t.Errorf("exit %+v", exit)
	}
}

func TestKill9_AnInstanceThatEndedMeanwhileIsFoundEnded(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	spec.Memory = 64
	cmd, out := h.server(spec)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	watcher := h.Driver // sees the instance only until the server is gone
	if _, err := watcher.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.awaitServing(spec)
	kill(t, cmd)
	h.ask(spec.ID, "/eat", "mib", "300")
	if _, err := watcher.Wait(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	<-watcher.find(spec.ID).current().closed
	if err := errors.Join(watcher.Close(), os.Remove(filepath.Join(watcher.dir(spec.ID), exitFile))); err != nil {
		t.Fatal(err)
	}
	h.open()
	list, err := h.Recover(t.Context())
	if err != nil || len(list) != 1 || list[0].State != driver.Ended || !list[0].Exit.OOM {
		t.Errorf("recovered %+v %v", list, err)
	}
	if err := h.Destroy(t.Context(), spec.ID); err != nil {
		t.Fatal(err)
	}
	h.mustBeGone(spec.ID)
}

func TestKill9_AtAnyMomentOfStartLeavesWhatDestroyRemoves(t *testing.T) {
	h := newHost(t)
	h.killStarts(h.spec)
}

// killStarts kills servers that start an instance, each a little later, and destroys what they leave.
func (h *host) killStarts(spec func() driver.Spec) {
	t := h.t.(*testing.T)
	states, rnd := map[driver.State]int{}, rand.New(rand.NewPCG(1, 0))
	for i := range 24 {
		spec := spec()
		cmd, _ := h.server(spec)
		// The process needs some milliseconds until it calls Start, which first tries user namespaces; then a start
		// takes some tens.
		time.Sleep(time.Duration(i)*6*time.Millisecond + time.Duration(rnd.Int64N(int64(6*time.Millisecond))))
		kill(t, cmd)
		h.open()
		list, err := h.Recover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, inst := range list {
			states[inst.State]++
			if err := h.Destroy(t.Context(), inst.Spec.ID); err != nil {
				t.Error(err)
			}
		}
		h.mustBeGone(spec.ID)
		h.mustHoldNothing()
	}
	t.Logf("found half made: %d, running: %d, nothing: %d", states[driver.Partial], states[driver.Running], 24-states[driver.Partial]-states[driver.Running])
	if states[driver.Partial] == 0 {
		t.Error("no kill met a half-made instance: this test proves nothing")
	}
}

func TestRecover_RemovesWhatNoRecordKnows(t *testing.T) {
	h := newHost(t)
	spec := h.spec()
	h.orphan(spec)
	h.awaitServing(spec)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(h.Driver.dir(spec.ID)); err != nil {
		t.Fatal(err)
	}
	h.open()
	if list, err := h.Recover(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("recover: %+v %v", list, err)
	}
	h.mustBeGone(spec.ID)
	h.mustHoldNothing()
}

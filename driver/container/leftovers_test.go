//go:build linux && cgo

package container

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"

	"apron/driver"
)

// mustBeGone proves that nothing of the instance is left on the machine, by looking where each part would be.
func (h *host) mustBeGone(id string) {
	h.t.Helper()
	for what, found := range map[string][]string{
		"process": processesOf(id), "cgroup": groupsNamed(id), "mount": mountsOf(id), "file": filesOf(h.Driver.dir(id)),
	} {
		if len(found) > 0 {
			h.t.Errorf("left of %s: %d of %s: %v", id, len(found), what, found[:min(len(found), 3)])
		}
	}
}

// mustHoldNothing proves that of this server's parts nothing is left at all.
func (h *host) mustHoldNothing() {
	h.t.Helper()
	links, err := h.net.links()
	if err != nil || len(links) > 0 {
		h.t.Errorf("links left: %v %v", links, err)
	}
	if ids, err := h.groupIDs(); err != nil || len(ids) > 0 {
		h.t.Errorf("cgroups left: %v %v", ids, err)
	}
	if found := filesOf(filepath.Join(h.dir, "instances")); len(found) > 1 {
		h.t.Errorf("files left: %v", found)
	}
}

// processesOf finds processes by their cgroup, zombies too if they are ours to collect: those of a server that is gone
// wait for the host's init.
func processesOf(id string) (found []string) {
	groups, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, g := range groups {
		if data, err := os.ReadFile(g); err == nil && bytes.Contains(data, []byte(id)) {
			stat, _ := os.ReadFile(filepath.Join(filepath.Dir(g), "stat"))
			if !bytes.Contains(stat, []byte(") Z 1 ")) && len(stat) > 0 {
				found = append(found, g+" "+string(stat))
			}
		}
	}
	return found
}

func groupsNamed(id string) (found []string) {
	filepath.WalkDir("/sys/fs/cgroup", func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && strings.Contains(path, id) {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// mountsOf looks through the mount namespaces of all processes.
func mountsOf(id string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/mountinfo")
	for _, f := range files {
		data, _ := os.ReadFile(f)
		for line := range strings.Lines(string(data)) {
			if strings.Contains(line, id) {
				found = append(found, f+": "+line)
			}
		}
	}
	return found
}

func filesOf(dir string) (found []string) {
	filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// holdersOf lists the threads in the network namespace and our descriptors of it: what keeps it alive.
func holdersOf(ns string) (found []string) {
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/self/fd/*"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			if target, err := os.Readlink(f); err == nil && target == ns {
				found = append(found, f)
			}
		}
	}
	return found
}

func TestDestroy_LeavesNothingOnTheMachine(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	h.mustAsk(id, "/spawn", "n", "5")
	h.mustAsk(id, "/write", "path", "/big", "bytes", "5000000")
	ns, err := os.Readlink("/proc/" + strconv.Itoa(h.Driver.find(id).current().pid) + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if len(processesOf(id)) < 6 || len(groupsNamed(id)) == 0 || len(mountsOf(id)) == 0 || len(holdersOf(ns)) < 7 {
		t.Fatalf("this test would not see what is left: %d processes, %d cgroups, %d mounts, %d holders of the network namespace",
			len(processesOf(id)), len(groupsNamed(id)), len(mountsOf(id)), len(holdersOf(ns)))
	}
	if err := h.Destroy(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h.mustBeGone(id)
	h.mustHoldNothing()
	if held := holdersOf(ns); len(held) > 0 {
		t.Errorf("the network namespace is held by %v", held)
	}
	if _, err := h.Dial(t.Context(), id, 8080); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("dialling an instance that is gone: %v", err)
	}
}

func TestRemoveNetwork_LeavesNoBridgeTableOrCgroup(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	if err := h.RemoveNetwork(t.Context()); err == nil {
		t.Error("the network was removed under a running instance")
	}
	if err := h.Destroy(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := h.RemoveNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/sys/class/net/" + h.net.bridge()); err == nil {
		t.Error("the bridge is left")
	}
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.ListTables()
	for _, table := range tables {
		if table.Name == h.net.table() {
			t.Error("the nftables table is left")
		}
	}
	if found := groupsNamed(h.groupParent()); len(found) > 0 || err != nil {
		t.Errorf("cgroups left: %v %v", found, err)
	}
}

func TestDestroy_RemovesWhatAPowerCutTore(t *testing.T) {
	h := newHost(t)
	id := newID()
	if err := os.MkdirAll(filepath.Join(h.Driver.dir(id), "upper"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.Driver.dir(id), specFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := h.Recover(t.Context())
	if err != nil || len(list) != 1 || list[0].Spec.ID != id || list[0].State != 0 {
		t.Fatalf("recover: %+v %v", list, err)
	}
	if exit, err := h.Wait(t.Context(), id); err != nil || exit.Code != -1 {
		t.Errorf("wait: %+v %v", exit, err)
	}
	if err := h.Stop(t.Context(), id, time.Second); err != nil {
		t.Error(err)
	}
	if err := h.Destroy(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h.mustBeGone(id)
}

//go:build linux && cgo

package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"apron/driver"
)

func newUsersHost(t *testing.T) *host {
	t.Helper()
	h := newHost(t)
	if err := tryUsers(h.dir); err != nil {
		t.Skipf("this machine has no user namespaces for instances: %v", err)
	}
	return h
}

// withoutUsers makes the host one that has no user namespaces.
func (h *host) withoutUsers() { h.net.users = func() bool { return false } }

// outside reads a file of the instance's first process in /proc, as the host sees it.
func (h *host) outside(id, file string) string {
	h.t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(h.Driver.find(id).current().pid) + "/" + file)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(data)), " ")
}

func (h *host) base(id string) int { return idBase(h.Driver.find(id).recorded().Address) }

func ownerOf(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", st.Uid, st.Gid)
}

func TestUsers_RootInsideIsNobodyOutside(t *testing.T) {
	h := newUsersHost(t)
	one, two := h.start(h.spec()), h.start(h.spec())
	if h.base(one) == h.base(two) {
		t.Error("two instances have the same ids")
	}
	for _, id := range []string{one, two} {
		base := h.base(id)
		if base < firstIDs+idCount || base%idCount != 0 {
			t.Errorf("ids begin at %d", base)
		}
		for _, file := range []string{"uid_map", "gid_map"} {
			if got, want := h.outside(id, file), fmt.Sprintf("0 %d %d", base, idCount); got != want {
				t.Errorf("%s %q, want %q", file, got, want)
			}
		}
		status := h.outside(id, "status")
		for _, key := range []string{"Uid", "Gid"} {
			if want := fmt.Sprintf("%s: %d %d %d %d ", key, base, base, base, base); !strings.Contains(status, want) {
				t.Errorf("the host does not see %q in %s", want, status)
			}
		}
		if got := h.mustAsk(id, "/whoami"); !strings.HasPrefix(got, "uid=0 gid=0 groups=[] ") {
			t.Errorf("the program sees %s", got)
		}
	}
}

func TestIDBase_StaysWithinItsRange(t *testing.T) {
	const lowest, highest = 2, 1<<(32-subnetBits) - 2 // of the addresses that reserve gives
	if first := idBase(lowest); first <= 0x6FFFFFFF {
		t.Errorf("the first ids are %#x", first)
	}
	if last := idBase(highest) + idCount - 1; last > 0x7FFDFFFF {
		t.Errorf("the last ids end at %#x", last)
	}
}

func TestUsers_EveryNamespaceBelongsToTheInstances(t *testing.T) {
	h := newUsersHost(t)
	id := h.start(h.spec())
	dir := "/proc/" + strconv.Itoa(h.Driver.find(id).current().pid) + "/ns/"
	own, err := os.Readlink(dir + "user")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"mnt", "pid", "ipc", "uts", "net", "cgroup"} {
		f, err := os.Open(dir + kind)
		if err != nil {
			t.Fatal(err)
		}
		owner, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_USERNS)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.Readlink(fdPath(owner))
		if err := errors.Join(err, unix.Close(owner), f.Close()); err != nil {
			t.Fatal(err)
		}
		if got != own {
			t.Errorf("the %s namespace belongs to %s, not to %s", kind, got, own)
		}
	}
}

func TestUsers_OwnersOfTheImageAreSeenInsideAndUnchangedOnDisk(t *testing.T) {
	h := newUsersHost(t)
	img := h.addLayer(map[string]string{
		"etc/passwd": passwdFile, "etc/group": groupFile, "home/web/file": "x", "bin/su": "x", "srv/other": "x", "far": "x",
	})
	top := img.Layers[1]
	for name, owner := range map[string][2]int{
		"home/web": {1000, 1001}, "home/web/file": {1000, 1001}, "srv/other": {4321, 65535}, "bin/su": {0, 0}, "far": {70000, 70000},
	} {
		if err := os.Chown(filepath.Join(top, name), owner[0], owner[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(top, "bin/su"), 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	img.User = "1000"
	id := h.start(h.specOf(img))
	for path, want := range map[string]string{
		"/":              "0:0 drwxr-xr-x",
		"/app":           "0:0 -rwxr-xr-x",
		"/home/web":      "1000:1001 drwxr-xr-x",
		"/home/web/file": "1000:1001 -rwxr-xr-x",
		"/srv/other":     "4321:65535 -rwxr-xr-x",
		"/bin/su":        "0:0 urwxr-xr-x",
		"/far":           "65534:65534 -rwxr-xr-x",
		"/etc":           "0:0 drwxr-xr-x",
		"/etc/hosts":     "0:0 -rw-r--r--",
		"/dev":           "0:0 drwxr-xr-x",
		"/dev/shm":       "0:0 dtrwxrwxrwx",
	} {
		if got := h.mustAsk(id, "/stat", "path", path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	h.mustAsk(id, "/write", "path", "/home/web/new", "bytes", "1")
	h.mustAsk(id, "/write", "path", "/home/web/file", "bytes", "2") // copied up
	if status, _ := h.ask(id, "/write", "path", "/bin/su", "bytes", "1"); status == 200 {
		t.Error("a user writes to a file of root")
	}
	upper := filepath.Join(h.Driver.dir(id), "upper")
	base := h.base(id)
	for path, want := range map[string]string{
		upper:                                 fmt.Sprintf("%d:%d", base, base),
		filepath.Join(upper, "etc/hosts"):     fmt.Sprintf("%d:%d", base, base),
		filepath.Join(upper, "home/web/new"):  fmt.Sprintf("%d:%d", base+1000, base+1001),
		filepath.Join(upper, "home/web/file"): fmt.Sprintf("%d:%d", base+1000, base+1001),
		filepath.Join(top, "home/web/file"):   "1000:1001",
		filepath.Join(top, "srv/other"):       "4321:65535",
		filepath.Join(img.Layers[0], "app"):   "0:0",
	} {
		if got := ownerOf(t, path); got != want {
			t.Errorf("on the disk %s is of %s, want %s", path, got, want)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(top, "home/web/file")); string(got) != "x" {
		t.Errorf("the layer was changed: %q", got)
	}
}

func TestUsers_CapabilitiesHoldForTheNamespaceAlone(t *testing.T) {
	h := newUsersHost(t)
	img := h.addLayer(map[string]string{"mine": "x", "far": "x"})
	for name, owner := range map[string]int{"mine": 4321, "far": 70000} {
		path := filepath.Join(img.Layers[1], name)
		if err := errors.Join(os.Chown(path, owner, owner), os.Chmod(path, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	id := h.start(h.specOf(img))
	h.mustAsk(id, "/read", "path", "/mine") // CAP_DAC_OVERRIDE
	h.mustAsk(id, "/chown", "path", "/mine", "uid", "77")
	if got, want := ownerOf(t, filepath.Join(h.Driver.dir(id), "upper/mine")), fmt.Sprintf("%d:%d", h.base(id)+77, h.base(id)+77); got != want {
		t.Errorf("owner %s, want %s", got, want)
	}
	for _, path := range []string{"/read", "/chown"} {
		if status, body := h.ask(id, path, "path", "/far", "uid", "0"); status == 200 {
			t.Errorf("%s of a file whose owner the instance does not have: %s", path, body)
		}
	}
	if status, _ := h.ask(id, "/chown", "path", "/mine", "uid", "70000"); status == 200 {
		t.Error("a file can be given to an id that the instance does not have")
	}
}

func TestUsers_TheLogIsTheInstancesToAppendTo(t *testing.T) {
	h := newUsersHost(t)
	img := appImage()
	for _, img.User = range []string{"0", "1000", "0:1000"} {
		spec := h.specOf(img)
		if err := os.WriteFile(spec.LogPath, []byte("earlier\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		id := h.start(spec)
		for _, path := range []string{"/dev/stdout", "/dev/stderr", "/proc/self/fd/1"} {
			h.mustAsk(id, "/append", "path", path, "text", "by "+path)
		}
		log, err := os.ReadFile(spec.LogPath)
		if text := string(log); err != nil || !strings.HasPrefix(text, "earlier\nlistening on") || strings.Count(text, "by /") != 3 {
			t.Errorf("USER %s: log %q %v", img.User, text, err)
		}
		if info, err := os.Stat(spec.LogPath); err != nil || info.Mode() != 0o600 {
			t.Errorf("log is %v %v", info.Mode(), err)
		}
	}
}

func TestUsers_AnIDThatTheNamespaceLacksIsTheImagesFault(t *testing.T) {
	h := newUsersHost(t)
	img := appImage()
	for _, img.User = range []string{"65536", "70000:1", "1:70000"} {
		err := h.Start(t.Context(), h.specOf(img))
		if _, ok := errors.AsType[*driver.ImageError](err); !ok || !strings.Contains(err.Error(), "end at 65535") {
			t.Errorf("USER %s: %v", img.User, err)
		}
	}
	h.mustHoldNothing()
	img.User = "65535:65535"
	if got := h.mustAsk(h.start(h.specOf(img)), "/whoami"); !strings.HasPrefix(got, "uid=65535 gid=65535") {
		t.Error(got)
	}
}

func TestUsers_NothingHoldsTheNamespaceAfterTheInstance(t *testing.T) {
	h := newUsersHost(t)
	id := h.start(h.spec())
	ns, err := os.Readlink("/proc/" + strconv.Itoa(h.Driver.find(id).current().pid) + "/ns/user")
	if err != nil {
		t.Fatal(err)
	}
	if fds := descriptorsOf(ns); len(fds) > 0 {
		t.Errorf("descriptors of the running instance's user namespace: %v", fds)
	}
	if err := h.Destroy(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	views, _ := filepath.Glob("/proc/[0-9]*/task/*/ns/user")
	for _, view := range views {
		if target, err := os.Readlink(view); err == nil && target == ns {
			t.Errorf("%s is still in the user namespace", view)
		}
	}
	h.mustBeGone(id)
}

func descriptorsOf(target string) (found []string) {
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		if got, err := os.Readlink(fd); err == nil && got == target {
			found = append(found, fd)
		}
	}
	return found
}

func TestUsers_InstancesRunWithoutThemWhereTheHostHasNone(t *testing.T) {
	h := newHost(t)
	h.withoutUsers()
	img := appImage()
	id := h.start(h.specOf(img))
	if got := h.outside(id, "uid_map"); got != "0 0 4294967295" {
		t.Errorf("uid_map %q", got)
	}
	h.mustAsk(id, "/write", "path", "/new", "bytes", "1")
	if got := ownerOf(t, filepath.Join(h.Driver.dir(id), "upper/new")); got != "0:0" {
		t.Errorf("a file of root is of %s", got)
	}
	img.User = "70000"
	if got := h.mustAsk(h.start(h.specOf(img)), "/whoami"); !strings.HasPrefix(got, "uid=70000 ") {
		t.Error(got)
	}
	if err := h.Destroy(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h.mustBeGone(id)
}

func TestTryUsers_SaysWhyNot(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("ramfs", dir, "ramfs", 0, ""); err != nil {
		t.Skipf("mount ramfs: %v: this test needs a file system that cannot map ids", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	if err := tryUsers(dir); err == nil || !strings.Contains(err.Error(), "map the ids of") {
		t.Errorf("on a file system that cannot map ids: %v", err)
	}
	if left := filesOf(dir); len(left) > 1 {
		t.Errorf("left: %v", left)
	}
}

func TestTryUsers_RemovesWhatAKilledTrialLeft(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	old, other := filepath.Join(dir, trialDirs+"1"), filepath.Join(dir, trialDirs+"2")
	if err := errors.Join(os.MkdirAll(filepath.Join(old, "upper"), 0o755), os.Mkdir(other, 0o700)); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	_ = tryUsers(dir) // whether it can or not
	if left := filesOf(dir); len(left) != 2 || left[1] != other {
		t.Errorf("left: %v, want %s alone, which another process may be using", left, other)
	}
}

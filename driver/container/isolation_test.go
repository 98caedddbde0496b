//go:build linux && cgo

package container

import (
	"net"
	"strings"
	"testing"
)

func TestInstance_RunsWithoutPrivilege(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	status := h.mustAsk(id, "/read", "path", "/proc/self/status")
	for _, want := range []string{
		"NoNewPrivs:\t1", "Seccomp:\t2",
		"CapEff:\t00000000000405fb", "CapBnd:\t00000000000405fb", "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("/proc/self/status lacks %q:\n%s", want, status)
		}
	}
	if got := h.mustAsk(id, "/whoami"); !strings.Contains(got, "pid=1 sid=1 ") || !strings.Contains(got, "host="+id[:12]) {
		t.Errorf("the program sees %s", got)
	}
	for name, want := range map[string]string{
		"mount": "operation not permitted", "unshare": "operation not permitted", "reboot": "operation not permitted",
		"bpf": "operation not permitted", "keyctl": "operation not permitted",
		"mknod": "operation not permitted", "raw": "operation not permitted",
	} {
		if got := h.mustAsk(id, "/syscall", "name", name); !strings.Contains(got, want) {
			t.Errorf("%s answers %q", name, got)
		}
	}
}

func TestInstance_CannotReadOrWriteTheKernelsSecrets(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list"} {
		if status, body := h.ask(id, "/read", "path", path); status == 200 && body != "" {
			t.Errorf("%s can be read: %.80q", path, body)
		}
	}
	for _, path := range []string{"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if status, _ := h.ask(id, "/write", "path", path, "bytes", "1"); status == 200 {
			t.Errorf("%s can be written", path)
		}
	}
	if got := h.mustAsk(id, "/list", "path", "/dev"); strings.Contains(got, "vda") || strings.Contains(got, "loop") || !strings.Contains(got, "null") {
		t.Errorf("/dev holds %s", strings.Fields(got))
	}
	if got := h.mustAsk(id, "/list", "path", "/"); strings.Contains(got, "work") || strings.Contains(got, "home") {
		t.Errorf("the host's root is seen: %s", strings.Fields(got))
	}
}

func TestInstance_WritesOnlyToItsOwnStorage(t *testing.T) {
	h := newHost(t)
	one, two := h.start(h.spec()), h.start(h.spec())
	h.mustAsk(one, "/write", "path", "/new", "bytes", "10")
	if status, _ := h.ask(two, "/read", "path", "/new"); status == 200 {
		t.Error("another instance reads the file")
	}
	if got := filesOf(layer); len(got) != 2 {
		t.Errorf("the image's layer was changed: %v", got)
	}
}

func TestInstance_HasItsOwnNameFiles(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	if got := h.mustAsk(id, "/read", "path", "/etc/hostname"); got != id[:12] {
		t.Errorf("hostname %q", got)
	}
	if got := h.mustAsk(id, "/read", "path", "/etc/hosts"); !strings.Contains(got, "127.0.0.1\tlocalhost") || !strings.Contains(got, id[:12]) {
		t.Errorf("hosts %q", got)
	}
	if got := h.mustAsk(id, "/read", "path", "/etc/resolv.conf"); !strings.Contains(got, "timeout:1") {
		t.Errorf("resolv.conf %q", got)
	}
}

func TestInstance_ReachesNoOtherInstanceAndNoLoopbackOfTheHost(t *testing.T) {
	h := newHost(t)
	one, two := h.spec(), h.spec()
	h.start(one)
	h.start(two)
	other := addrPlus(h.net.net.Addr(), h.Driver.find(two.ID).recorded().Address)
	gateway := addrPlus(h.net.net.Addr(), 1)
	local := listen(t, "127.0.0.1:0")
	open := listen(t, gateway.String()+":0")
	if status, body := h.ask(one.ID, "/dial", "network", "tcp", "addr", open); status != 200 {
		t.Fatalf("the bridge does not carry anything, so this test proves nothing: %s", body)
	}
	for what, addr := range map[string]string{
		"another instance":               other.String() + ":8080",
		"the host's loopback":            local,
		"a loopback port by the gateway": gateway.String() + local[strings.LastIndex(local, ":"):],
		"link-local addresses":           "169.254.169.254:80",
	} {
		if status, _ := h.ask(one.ID, "/dial", "network", "tcp", "addr", addr); status == 200 {
			t.Errorf("an instance reaches %s at %s", what, addr)
		}
	}
}

func listen(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

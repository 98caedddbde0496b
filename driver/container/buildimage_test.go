//go:build linux && cgo

package container

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/driver"
	"apron/image"
)

// TestBuild_BecomesAnImageThatServes is the way of a service from source: sources and a build over the base, what both
// leave as an image, an instance of that.
func TestBuild_BecomesAnImageThatServes(t *testing.T) {
	h := newHost(t)
	store, err := image.Open(filepath.Join(h.dir, "images"), image.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	account := store.Account("")
	program, err := os.ReadFile(filepath.Join(layer, "app"))
	if err != nil {
		t.Fatal(err)
	}
	sources := tree(t, map[string]string{"app/program": string(program), "app/old": "", "app/kept": "from the sources"})
	s := h.build("rm old; mkdir bin; cp program bin/server; chmod 755 bin/server; touch /root/outside")
	s.Build.Dir, s.Build.Layers = "/app", []string{sources}
	changed, _ := h.changes(s)
	digest, err := account.Commit(t.Context(), image.NewImage{
		Layers:  []image.Tree{{Dir: sources}, {Dir: changed, Only: []string{"app"}, Move: true}},
		Created: time.Unix(1e9, 0), Cmd: []string{"bin/server"}, WorkingDir: "/app", Repo: "apron/web", Tag: "v1",
	})
	if err != nil {
		t.Fatal(err)
	}
	h.destroy(s.ID)
	if h.images[digest], err = store.Image(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	for _, host := range []bool{true, false} {
		service := h.spec()
		service.Image, service.Host = digest, host
		id := h.start(service)
		if got := h.mustAsk(id, "/read", "path", "/app/kept"); got != "from the sources" {
			t.Errorf("a file of the sources: %q", got)
		}
		if status, got := h.ask(id, "/read", "path", "/app/old"); status == 200 {
			t.Errorf("the removed file is there: %q", got)
		}
		if got := h.mustAsk(id, "/stat", "path", "/app/bin/server"); got != "0:0 -rwxr-xr-x" {
			t.Errorf("the program is %s", got)
		}
		if status, got := h.ask(id, "/stat", "path", "/root/outside"); status == 200 {
			t.Errorf("a file from outside /app came along: %s", got)
		}
		if status, _ := h.ask(id, "/stat", "path", "/usr/bin"); (status == 200) != host {
			t.Errorf("host base %v: /usr/bin is %d", host, status)
		}
		h.destroy(id)
	}
}

// codename is the machine's own release of Debian, whose packages it can get.
func codename(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			return strings.TrimSpace(name)
		}
	}
	t.Fatal("/etc/os-release names no VERSION_CODENAME")
	return ""
}

// TestBuild_AptGetInstallsOnADebianBase takes what package managers do as root: users of their own, owners, setuid
// programs and file capabilities, triggers.
func TestBuild_AptGetInstallsOnADebianBase(t *testing.T) {
	mmdebstrap, err := exec.LookPath("mmdebstrap")
	if err != nil {
		t.Skip("mmdebstrap is not installed")
	}
	h := newHost(t)
	store, err := image.Open(filepath.Join(h.dir, "images"), image.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rootfs := filepath.Join(h.dir, "rootfs")
	if out, err := exec.CommandContext(t.Context(), mmdebstrap, "--variant=apt", codename(t), rootfs).CombinedOutput(); err != nil {
		t.Fatalf("make a base of Debian packages: %v\n%s", err, out)
	}
	base, err := store.Account("").Commit(t.Context(), image.NewImage{
		Layers: []image.Tree{{Dir: rootfs, Move: true}}, Created: time.Unix(1e9, 0), Repo: "apron/base", Tag: "debian",
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.images[base], err = store.Image(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	s := h.spec()
	s.Image, s.Build, s.Memory, s.CPU = base, &driver.Build{}, 1024, 2048
	s.Env = append(s.Env, "DEBIAN_FRONTEND=noninteractive")
	s.Command = []string{"/bin/sh", "-ec", `
		apt-get update -qq
		apt-get install -y -qq --no-install-recommends iputils-ping openssh-client
		stat -c 'ssh-agent %U:%G %a' /usr/bin/ssh-agent
		/usr/sbin/getcap /usr/bin/ping | sed 's/.*ping/ping/'`}
	changed, log := h.changes(s)
	for _, want := range []string{"ssh-agent root:_ssh 2755", "ping cap_net_raw=ep"} {
		if !strings.Contains(log, want) {
			t.Errorf("the build did not print %q:\n%s", want, log)
		}
	}
	digest, err := store.Account("").Commit(t.Context(), image.NewImage{Base: base, Layers: []image.Tree{{Dir: changed, Move: true}}, Created: time.Unix(1e9, 0)})
	if err != nil {
		t.Fatal(err)
	}
	h.destroy(s.ID)
	img, err := store.Image(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	top := img.Layers[len(img.Layers)-1]
	if got := xattr(t, filepath.Join(top, "usr/bin/ping"), capabilityXattr); len(got) != capSize2 {
		t.Errorf("ping in the image has the capabilities %q", got)
	}
	if info, err := os.Stat(filepath.Join(top, "usr/bin/ssh-agent")); err != nil || info.Mode()&fs.ModeSetgid == 0 {
		t.Errorf("ssh-agent in the image: %v, %v", info, err)
	}
}

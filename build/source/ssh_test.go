package source

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is OpenSSH's own server on a port of this machine, for root with one key.
type sshd struct {
	t         *testing.T
	dir, port string
	key       []byte // private, of the user
	cmd       *exec.Cmd
	accept    string // the environment that it lets through
}

func serveSSH(t *testing.T, accept string) *sshd {
	t.Helper()
	s := &sshd{t: t, dir: t.TempDir(), port: freePort(t), accept: accept}
	public, private := newKey(t)
	s.key = private
	if err := os.WriteFile(filepath.Join(s.dir, "authorized"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	s.hostKey()
	s.start()
	t.Cleanup(s.stop)
	return s
}

func newKey(t *testing.T) (public, private []byte) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return ssh.MarshalAuthorizedKey(p), pem.EncodeToMemory(block)
}

// hostKey gives the server a new key.
func (s *sshd) hostKey() {
	s.t.Helper()
	_, private := newKey(s.t)
	if err := os.WriteFile(filepath.Join(s.dir, "host"), private, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sshd) start() {
	s.t.Helper()
	config := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nPermitRootLogin yes\nStrictModes no\n"+
		"PasswordAuthentication no\nUsePAM no\nPidFile none\nMaxStartups 100\n%s\n", s.port, s.dir, s.dir, s.accept)
	if err := os.WriteFile(filepath.Join(s.dir, "config"), []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(s.dir, "config"))
	var log bytes.Buffer
	s.cmd.Stderr = &log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("sshd does not listen: %s", log.String())
		}
	}
}

func (s *sshd) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *sshd) url(dir string) string { return "ssh://root@127.0.0.1:" + s.port + dir }

func TestFetch_OverSSH(t *testing.T) {
	for version, accept := range map[string]string{"0": "", "2": "AcceptEnv GIT_PROTOCOL"} {
		t.Run("version "+version, func(t *testing.T) {
			s := serveSSH(t, accept)
			r := newRepo(t, t.TempDir(), "we'b!")
			first := r.commit("first", "a", "1")
			f := newFetcher(t, Config{})
			remote := Remote{URL: s.url(strings.ReplaceAll(r.dir, "'", "%27")), Branch: "main", Credential: &Credential{PrivateKey: s.key}}
			c := fetch(t, f, remote)
			if c.Commit.ID != first {
				t.Errorf("got %+v", c.Commit)
			}
			r.commit("second", "b", "2")
			sameAsGit(t, fetch(t, f, remote), r)
			if c, err := f.Checkout(t.Context(), "other", remote, first); err != nil || c.Commit.ID != first {
				t.Errorf("the first commit again: %+v, %v", c, err)
			}
		})
	}
}

func TestFetch_OverSSHBringsSubmodules(t *testing.T) {
	s := serveSSH(t, "")
	dir := t.TempDir()
	lib := newRepo(t, dir, "lib")
	lib.commit("first", "a", "1")
	web := withSubmodule(t, dir, "web", lib, "../lib")
	f := newFetcher(t, Config{})
	c := fetch(t, f, Remote{URL: s.url(web.dir), Branch: "main", Credential: &Credential{PrivateKey: s.key}})
	if read(t, c, "lib/a") != "1" {
		t.Error("the submodule is missing")
	}
}

func TestSSH_KeepsTheHostKeyOfTheFirstContact(t *testing.T) {
	s := serveSSH(t, "")
	r := newRepo(t, t.TempDir(), "web")
	r.commit("first", "a", "1")
	f := newFetcher(t, Config{})
	remote := Remote{URL: s.url(r.dir), Branch: "main", Credential: &Credential{PrivateKey: s.key}}
	for range 2 {
		if _, err := f.Head(t.Context(), remote); err != nil {
			t.Fatal(err)
		}
	}
	known, err := os.ReadFile(filepath.Join(f.cfg.Dir, "known_hosts"))
	if err != nil || strings.Count(string(known), "\n") != 1 || !strings.HasPrefix(string(known), "[127.0.0.1]:"+s.port+" ssh-ed25519 ") {
		t.Fatalf("known hosts: %q, %v", known, err)
	}
	s.stop()
	s.hostKey()
	s.start()
	_, err = f.Head(t.Context(), remote)
	refused(t, err, "127.0.0.1 shows the SSH key SHA256:", "but showed SHA256:", "known_hosts")
	// What the connection says of keys is all that counts.
	remote.Credential = &Credential{PrivateKey: s.key, KnownHosts: known}
	_, err = f.Head(t.Context(), remote)
	refused(t, err, "the connection's known hosts have another one")
	remote.Credential.KnownHosts = []byte("example.com " + strings.SplitN(string(known), " ", 2)[1])
	_, err = f.Head(t.Context(), remote)
	refused(t, err, "have none for it")
	remote.Credential.KnownHosts = []byte("nonsense")
	_, err = f.Head(t.Context(), remote)
	refused(t, err, "ssh-keyscan")
	public, err := os.ReadFile(filepath.Join(s.dir, "host"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(public)
	if err != nil {
		t.Fatal(err)
	}
	remote.Credential.KnownHosts = []byte("[127.0.0.1]:" + s.port + " " + string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	if _, err := f.Head(t.Context(), remote); err != nil {
		t.Errorf("with the right key: %v", err)
	}
}

func TestSSH_SaysWhatIsWrong(t *testing.T) {
	s := serveSSH(t, "")
	r := newRepo(t, t.TempDir(), "web")
	r.commit("first", "a", "1")
	f := newFetcher(t, Config{})
	_, other := newKey(t)
	for name, c := range map[string]struct {
		r     Remote
		words []string
	}{
		"no key":        {Remote{URL: s.url(r.dir), Branch: "main"}, []string{"wants an SSH key", "apron connection authorize"}},
		"another key":   {Remote{URL: s.url(r.dir), Branch: "main", Credential: &Credential{PrivateKey: other}}, []string{"refuses the connection's SSH key", "apron connection authorize"}},
		"no repository": {Remote{URL: s.url("/nowhere"), Branch: "main", Credential: &Credential{PrivateKey: s.key}}, []string{"there is no repository", "/nowhere"}},
		"no branch":     {Remote{URL: s.url(r.dir), Branch: "mian", Credential: &Credential{PrivateKey: s.key}}, []string{"no branch mian; it has main"}},
		"no key at all": {Remote{URL: s.url(r.dir), Branch: "main", Credential: &Credential{PrivateKey: []byte("x")}}, []string{"SSH key cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Head(t.Context(), c.r)
			refused(t, err, c.words...)
		})
	}
}

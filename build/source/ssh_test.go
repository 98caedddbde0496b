package source

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// sshd is OpenSSH's own server on a port of this machine, for root with one key. It is started for each connection, as inetd
// would: so the port is held from when it was given.
type sshd struct {
	t         *testing.T
	dir, port string
	key       []byte // private, of the user
}

// serveSSH lets the variables through that accept names.
func serveSSH(t *testing.T, accept string) *sshd {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{t: t, dir: t.TempDir(), port: strconv.Itoa(l.Addr().(*net.TCPAddr).Port)}
	public, private := newKey(t)
	s.key = private
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("HostKey %s/host\nAuthorizedKeysFile %s/authorized\nPermitRootLogin yes\nStrictModes no\n"+
		"PasswordAuthentication no\nUsePAM no\nPidFile none\n%s\n", s.dir, s.dir, accept)
	for name, text := range map[string][]byte{"authorized": public, "config": []byte(config)} {
		if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.hostKey()
	var served sync.WaitGroup
	served.Go(func() { s.accept(l, &served) })
	t.Cleanup(served.Wait)
	t.Cleanup(func() { l.Close() })
	return s
}

func (s *sshd) accept(l net.Listener, served *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		served.Go(func() { s.serve(c.(*net.TCPConn)) })
	}
}

func (s *sshd) serve(c *net.TCPConn) {
	socket, err := c.File()
	c.Close()
	if err != nil {
		s.t.Error(err)
		return
	}
	defer socket.Close()
	cmd := exec.CommandContext(s.t.Context(), "/usr/sbin/sshd", "-i", "-e", "-f", filepath.Join(s.dir, "config"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, s.t.Output()
	_ = cmd.Run() // it fails with whom it refuses
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
	s.hostKey()
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

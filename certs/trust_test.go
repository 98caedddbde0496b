package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// apart runs the test once more, as root, where the system's store is a copy that nobody else sees and the home directory is empty, and
// reports whether this is that run.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv("CERTS_APART") != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may have a system store of its own")
	}
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "CERTS_APART=1", "HOME="+t.TempDir(), "SUDO_UID=")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// copyStore puts copies over the directories of the system's store, and nothing over what else a change of it makes the machine do.
func copyStore(t *testing.T) {
	t.Helper()
	for dir, from := range map[string]string{"/etc/ssl/certs": "/etc/ssl/certs", anchors: anchors, "/etc/ca-certificates/update.d": t.TempDir()} {
		mine := filepath.Join(t.TempDir(), "copy")
		for _, args := range [][]string{{"cp", "-a", from, mine}, {"mount", "--bind", mine, dir}} {
			if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
		t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	}
}

func TestTrust_MakesTheSystemBelieveIt(t *testing.T) {
	if !apart(t) {
		return
	}
	copyStore(t)
	ca := open(t, t.TempDir())
	url := serve(t, ca)
	if curl(url) == nil {
		t.Fatal("curl believes an authority that it does not know")
	}
	if err := writeAnchor(anchor(ca.Root()), ca.PEM()); err != nil { // as one leaves it that was killed before the update
		t.Fatal(err)
	}
	for _, want := range []string{"has it now", "had it already"} {
		expect(t, trustSystem(t.Context(), ca.Root()), want)
		if err := curl(url); err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(anchor(ca.Root())); err != nil { // likewise
		t.Fatal(err)
	}
	for _, want := range []string{"does not have it any more", "did not have it"} {
		expect(t, distrustSystem(t.Context(), ca.Root()), want)
		if curl(url) == nil {
			t.Error("curl still believes it")
		}
	}
	if left, _ := filepath.Glob("/etc/ssl/certs/apron-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTrust_SaysHowToDoByHandWhatItCannot(t *testing.T) {
	if !apart(t) {
		return
	}
	copyStore(t)
	if out, err := exec.Command("mount", "-o", "remount,bind,ro", anchors).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o := Trust(t.Context(), open(t, t.TempDir()).Root())[0]
	if o.Err == nil || !strings.Contains(o.ByHand, "apron trust --print | sudo tee "+anchors) {
		t.Errorf("outcome = %+v", o)
	}
}

func expect(t *testing.T, o Outcome, did string) {
	t.Helper()
	if o.Err != nil || !strings.HasPrefix(o.Did, did) {
		t.Errorf("%s: %q, %v; want %q", o.Store, o.Did, o.Err, did)
	}
}

// serve is a server with certificates of the authority's, and its URL by a service's name.
func serve(t *testing.T, ca *CA) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{GetCertificate: ca.Certificate}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return "https://abc.us-east-1." + domain + ":" + port + "/"
}

func curl(url string) error {
	out, err := exec.Command("curl", "-sS", "--max-time", "20", url).CombinedOutput()
	if err != nil {
		return fmt.Errorf("curl: %w\n%s", err, out)
	}
	return nil
}

// newDatabase makes a database such as browsers have below the user's home.
func newDatabase(t *testing.T, home, dir string) string {
	t.Helper()
	dir = filepath.Join(home, dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("certutil", "-d", "sql:"+dir, "-N", "--empty-password").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestTrust_MakesEachBrowserBelieveIt(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("SUDO_UID", "")
	dirs := []string{newDatabase(t, home, ".pki/nssdb"), newDatabase(t, home, ".mozilla/firefox/abc.default")}
	ca := open(t, t.TempDir())
	for _, want := range []string{"has it now", "had it already"} {
		outcomes := eachDatabase(t.Context(), ca.Root(), (*database).trust)
		if len(outcomes) != len(dirs) {
			t.Fatalf("outcomes = %+v", outcomes)
		}
		for i, dir := range dirs {
			expect(t, outcomes[i], want)
			believes(t, dir, ca, true)
		}
	}
	for _, want := range []string{"does not have it any more", "did not have it"} {
		for i, o := range eachDatabase(t.Context(), ca.Root(), (*database).distrust) {
			expect(t, o, want)
			believes(t, dirs[i], ca, false)
		}
	}
}

// believes asks NSS whether the database's browser takes a service's certificate.
func believes(t *testing.T, dir string, ca *CA, want bool) {
	t.Helper()
	leaf := certificate(t, ca, "abc.us-east-1."+domain)
	nick := []string{"-d", "sql:" + dir, "-n", "leaf"}
	add := exec.Command("certutil", append(nick, "-A", "-a", "-t", ",,")...)
	add.Stdin = strings.NewReader(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})))
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("certutil", append(nick, "-V", "-u", "V", "-e")...).CombinedOutput()
	if (err == nil) != want {
		t.Errorf("NSS says %v %s, want it to believe: %v", err, out, want)
	}
}

// TestTrust_UsesTheCallersBrowserBehindSudo, not root's, and leaves its files the caller's.
func TestTrust_UsesTheCallersBrowserBehindSudo(t *testing.T) {
	if !apart(t) {
		return
	}
	home := passwd(t, 12345)
	dir := newDatabase(t, home, ".pki/nssdb")
	if out, err := exec.Command("chown", "-R", "12345:12345", home).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("SUDO_UID", "12345")
	ca := open(t, t.TempDir())
	outcomes := eachDatabase(t.Context(), ca.Root(), (*database).trust)
	if len(outcomes) != 1 {
		t.Fatalf("outcomes = %+v", outcomes)
	}
	expect(t, outcomes[0], "has it now")
	if out, _ := exec.Command("find", dir, "-uid", "0").Output(); len(out) > 0 {
		t.Errorf("root's files in the caller's home: %s", out)
	}
}

// passwd puts a user into a copy of /etc/passwd, with a home that others may enter.
func passwd(t *testing.T, id int) (home string) {
	t.Helper()
	home, err := os.MkdirTemp("", "apron-home-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "passwd")
	text = fmt.Appendf(text, "caller:x:%d:%d::%s:/bin/sh\n", id, id, home)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "--bind", file, "/etc/passwd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "/etc/passwd").Run() })
	return home
}

func TestTrust_SaysWhatToInstallForBrowsers(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("SUDO_UID", "")
	newDatabase(t, home, ".pki/nssdb")
	t.Setenv("PATH", t.TempDir())
	list := eachDatabase(t.Context(), &x509.Certificate{}, (*database).trust)
	if len(list) != 1 || list[0].Err == nil || !strings.Contains(list[0].ByHand, certutilPackage) {
		t.Errorf("outcomes = %+v", list)
	}
}

func TestTrust_SaysThatThereIsNoBrowser(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SUDO_UID", "")
	list := eachDatabase(t.Context(), &x509.Certificate{}, (*database).trust)
	if len(list) != 1 || list[0].Err != nil || !strings.Contains(list[0].Did, "none yet") {
		t.Errorf("outcomes = %+v", list)
	}
}

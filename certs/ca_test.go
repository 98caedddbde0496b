package certs

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const domain = "apron.localhost"

func open(t *testing.T, dir string) *CA {
	t.Helper()
	ca, err := Open(dir, Config{Domain: domain})
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestOpen_MakesOneAuthorityAndKeepsIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	made := make([]*CA, 8)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() { made[i], _ = Open(dir, Config{Domain: domain}) })
	}
	all.Wait()
	again := open(t, dir)
	for i, ca := range made {
		if ca == nil || !ca.Root().Equal(again.Root()) {
			t.Errorf("opened by %d at once: %d has another authority than what is kept", len(made), i)
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(files) != 1 || len(hidden) != 0 {
		t.Errorf("the directory holds %v and %v, want one file", files, hidden)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v, %v; want 0600", info.Mode(), err)
	}
	if years := again.Root().NotAfter.Year() - time.Now().Year(); years < 9 || years > 10 {
		t.Errorf("the authority holds until %v, want ten years", again.Root().NotAfter)
	}
}

func TestOpen_HasAnAuthorityForEachDomain(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	b, err := Open(dir, Config{Domain: "example.com"})
	if err != nil || a.Root().Equal(b.Root()) {
		t.Fatalf("the second domain has the first one's authority, %v", err)
	}
	if !open(t, dir).Root().Equal(a.Root()) {
		t.Error("the first domain has another authority than before")
	}
}

// TestOpen_SurvivesAKilledMaker kills processes that make authorities, each at another place, and opens what they left.
func TestOpen_SurvivesAKilledMaker(t *testing.T) {
	if dir := os.Getenv("CERTS_MAKER"); dir != "" {
		makeMany(dir)
	}
	for n := range 12 {
		dir := t.TempDir()
		killAfter(t, dir, n)
		for i := range n + 1 {
			open(t, filepath.Join(dir, fmt.Sprint(i)))
		}
	}
}

// makeMany makes authorities until it is killed, and says before each that it begins.
func makeMany(dir string) {
	for i := range 1000 {
		fmt.Println("begin")
		if _, err := Open(filepath.Join(dir, fmt.Sprint(i)), Config{Domain: domain}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(0)
}

func killAfter(t *testing.T, dir string, lines int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOpen_SurvivesAKilledMaker$")
	cmd.Env = append(os.Environ(), "CERTS_MAKER="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for range lines + 1 {
		if !said.Scan() || said.Text() != "begin" {
			t.Fatalf("the maker said %q", said.Text())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the maker ended before it was killed")
	}
}

func TestOpen_NeverReplacesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, domain+".pem")
	open(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newAuthority(domain)
	if err != nil {
		t.Fatal(err)
	}
	cert := bytes.Index(whole, []byte("-----BEGIN CERTIFICATE"))
	for name, text := range map[string][]byte{
		"empty":                 nil,
		"half":                  whole[:len(whole)/2],
		"key alone":             whole[:cert],
		"certificate alone":     whole[cert:],
		"another's certificate": append(bytes.Clone(whole[:cert]), other[bytes.Index(other, []byte("-----BEGIN CERTIFICATE")):]...),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Config{Domain: domain}); err == nil || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%s: %v; want an error that says what to do", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, text) {
			t.Errorf("%s: the file has changed", name)
		}
	}
}

func TestOpen_TakesTheNextAuthorityWhenOneHasRunOut(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		first := open(t, dir)
		time.Sleep(rootLifetime - 24*time.Hour)
		if !open(t, dir).Root().Equal(first.Root()) {
			t.Error("replaced on its last day")
		}
		time.Sleep(48 * time.Hour)
		second := open(t, dir)
		if second.Root().Equal(first.Root()) {
			t.Error("kept after its end")
		}
		if _, err := os.Stat(filepath.Join(dir, domain+".pem.expired")); err != nil {
			t.Error(err)
		}
	})
}

// TestAuthority_IsBoundToItsDomain certifies with its stolen key what it may not, and asks Go's and OpenSSL's verifiers.
func TestAuthority_IsBoundToItsDomain(t *testing.T) {
	ca := open(t, t.TempDir())
	for _, test := range []struct {
		name  string
		names []string
		ips   []net.IP
		valid bool
	}{
		{"a service", []string{"abc.us-east-1." + domain}, nil, true},
		{"another domain", []string{"example.com"}, nil, false},
		{"a domain that ends alike", []string{"not" + domain}, nil, false},
		{"an address", nil, []net.IP{net.IPv4(127, 0, 0, 1)}, false},
		{"a service and an IPv6 address", []string{"abc.us-east-1." + domain}, []net.IP{net.IPv6loopback}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			leaf := certify(t, ca, test.names, test.ips)
			roots := x509.NewCertPool()
			roots.AddCert(ca.Root())
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots}); (err == nil) != test.valid {
				t.Errorf("Go says %v", err)
			}
			if out, err := opensslVerify(t, ca, leaf); (err == nil) != test.valid {
				t.Errorf("OpenSSL says %v\n%s", err, out)
			}
		})
	}
}

func certify(t *testing.T, ca *CA, names []string, ips []net.IP) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7), DNSNames: names, IPAddresses: ips,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}, ca.root, ca.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func opensslVerify(t *testing.T, ca *CA, leaf *x509.Certificate) (string, error) {
	t.Helper()
	dir := t.TempDir()
	root, cert := filepath.Join(dir, "root.pem"), filepath.Join(dir, "cert.pem")
	for path, text := range map[string][]byte{root: ca.PEM(), cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("openssl", "verify", "-x509_strict", "-CAfile", root, cert).CombinedOutput()
	return string(out), err
}

package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// issued writes a certificate of the authority's for the region, and its key, over the files in dir.
func issued(t *testing.T, ca *CA, dir, region string) (cert, key string) {
	t.Helper()
	leaf, err := ca.issue(region)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "privkey.pem")
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Certificate[0]}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return cert, key
}

// write gives the file a time of its own: within a bubble the clock stands still while files are written.
func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestFiles_AreReadAgainWhenTheyHaveChanged(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := open(t, t.TempDir())
		cert, key := issued(t, ca, dir, "us-east-1")
		var logged bytes.Buffer
		f, err := OpenFiles(slog.New(slog.NewTextHandler(&logged, nil)), cert, key)
		if err != nil {
			t.Fatal(err)
		}
		name := "a.us-east-1." + domain
		first, _ := f.Certificate(hello(name))
		time.Sleep(time.Hour)
		if again, _ := f.Certificate(hello(name)); again != first {
			t.Error("read again without a change")
		}

		old, _ := os.ReadFile(key)
		issued(t, ca, dir, "us-east-1")
		renewed, _ := os.ReadFile(key)
		write(t, key, old) // as between the two writes of a renewal
		time.Sleep(time.Minute)
		if between, _ := f.Certificate(hello(name)); between != first || !strings.Contains(logged.String(), "can't be read") {
			t.Errorf("a half renewal is served, or not said:\n%s", logged.String())
		}
		write(t, key, renewed)
		time.Sleep(time.Minute)
		if second, err := f.Certificate(hello(name)); err != nil || second == nil || second.Leaf.Equal(first.Leaf) {
			t.Errorf("the renewed certificate is not served, %v:\n%s", err, logged.String())
		}
	})
}

func TestFiles_AreForTheirNamesAlone(t *testing.T) {
	ca := open(t, t.TempDir())
	cert, key := issued(t, ca, t.TempDir(), "us-east-1")
	f, err := OpenFiles(slog.New(slog.DiscardHandler), cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a.us-east-1." + domain: true, "": true, "a.eu-west-1." + domain: false, "example.com": false} {
		if c, err := f.Certificate(hello(name)); err != nil || (c != nil) != want {
			t.Errorf("certificate for %q: %v, %v", name, c != nil, err)
		}
	}
	if err := f.Check(domain); err != nil {
		t.Error(err)
	}
	if err := f.Check("example.com"); err == nil || !strings.Contains(err.Error(), "*.us-east-1.example.com") {
		t.Errorf("for another domain: %v", err)
	}
}

func TestFiles_ThatAreNoneAreSaid(t *testing.T) {
	ca := open(t, t.TempDir())
	cert, _ := issued(t, ca, t.TempDir(), "us-east-1")
	_, key := issued(t, ca, t.TempDir(), "us-east-1")
	if _, err := OpenFiles(nil, cert, key); err == nil || !strings.Contains(err.Error(), key) {
		t.Errorf("another certificate's key: %v", err)
	}
	if _, err := OpenFiles(nil, cert, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing key is no error")
	}
}

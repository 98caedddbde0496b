package keyring_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"apron/keyring"
)

func open(t *testing.T, path string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func seal(t *testing.T, ring *keyring.Ring, secret string) []byte {
	t.Helper()
	sealed, err := ring.Seal([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestOpen_MakesAKeyForTheOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "age.key")
	open(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("beside the key there is %v", left)
	}
}

func TestOpen_KeepsTheKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "age.key")
	before := open(t, path)
	sealed := seal(t, before, "hush")
	after := open(t, path)
	if got, err := after.Unseal(sealed); err != nil || string(got) != "hush" {
		t.Errorf("unsealed %q, %v", got, err)
	}
	if !bytes.Equal(before.MACKey("page tokens"), after.MACKey("page tokens")) {
		t.Error("the derived key has changed")
	}
}

func TestOpen_GivesTheSameKeyToAllWhoMakeItAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "age.key")
	keys := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			ring, err := keyring.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = ring.MACKey("test")
		})
	}
	all.Wait()
	for _, key := range keys[1:] {
		if !bytes.Equal(key, keys[0]) {
			t.Error("there are two keys")
		}
	}
}

func TestOpen_RefusesWhatIsNoKey(t *testing.T) {
	good := filepath.Join(t.TempDir(), "age.key")
	open(t, good)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"empty":         "",
		"cut off":       string(text[:len(text)-9]),
		"another thing": "-----BEGIN OPENSSH PRIVATE KEY-----\n",
		"two keys":      string(text) + string(text),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "age.key")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := keyring.Open(path)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "put its backup in its place") {
				t.Errorf("error %v", err)
			}
			if _, secret, _ := strings.Cut(string(text), "AGE-SECRET-KEY-1"); strings.Contains(err.Error(), secret[:20]) {
				t.Errorf("the error shows the key: %v", err)
			}
			if left, _ := os.ReadFile(path); string(left) != content {
				t.Error("the file was replaced")
			}
		})
	}
}

func TestOpen_NamesTheDirectoryThatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", "age.key")
	if _, err := keyring.Open(path); err == nil || !strings.Contains(err.Error(), "its directory must exist") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("%v, want %v", err, fs.ErrNotExist)
	}
}

func TestUnseal_RefusesWhatAnotherRingSealedOrSomebodyChanged(t *testing.T) {
	ring := open(t, filepath.Join(t.TempDir(), "age.key"))
	path := filepath.Join(t.TempDir(), "other.key")
	if _, err := open(t, path).Unseal(seal(t, ring, "hush")); err == nil || !strings.Contains(err.Error(), "another key sealed it than "+path) {
		t.Errorf("of another ring: %v", err)
	}
	sealed := seal(t, ring, "hush")
	for _, at := range []int{0, len(sealed) / 2, len(sealed) - 1} {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		if got, err := ring.Unseal(changed); err == nil {
			t.Errorf("byte %d changed: unsealed %q", at, got)
		}
	}
	if _, err := ring.Unseal(nil); err == nil {
		t.Error("nothing was unsealed")
	}
}

func TestSeal_HidesTheSecretAndItsSameness(t *testing.T) {
	ring := open(t, filepath.Join(t.TempDir(), "age.key"))
	one, two := seal(t, ring, "the planted secret"), seal(t, ring, "the planted secret")
	if bytes.Contains(one, []byte("planted")) || bytes.Equal(one, two) {
		t.Error("what was sealed shows")
	}
}

func TestMACKey_DiffersByPurposeAndRing(t *testing.T) {
	ring := open(t, filepath.Join(t.TempDir(), "age.key"))
	other := open(t, filepath.Join(t.TempDir(), "age.key"))
	if key := ring.MACKey("a"); len(key) != 32 || bytes.Equal(key, ring.MACKey("b")) || bytes.Equal(key, other.MACKey("a")) {
		t.Error("keys are not of their own")
	}
}

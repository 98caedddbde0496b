package main_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"golang.org/x/crypto/ssh"

	"apron/api"
	"apron/aprontest"
	"apron/keyring"
	"apron/store"
)

// TestAuthorize_ShowsTheCredentialNowhere plants a token, and then a key in its place, and looks for both in all that the
// command and the server print, answer and write.
func TestAuthorize_ShowsTheCredentialNowhere(t *testing.T) {
	const token = "ghp_plantedplantedplanted"
	key, keyFile := newSSHKey(t)
	data := filepath.Join(t.TempDir(), "data")
	w := &world{T: t, data: data}
	w.start()
	t.Cleanup(w.stop)
	made, err := w.client.CreateConnection(t.Context(), &apprunner.CreateConnectionInput{
		ConnectionName: new("git-hub"), ProviderType: types.ProviderTypeGithub,
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := *made.Connection.ConnectionArn
	shown := authorizeConnection(t, data, token+"\n", "git-hub", "--token-stdin")
	wantSealed(t, data, arn, token)
	shown += authorizeConnection(t, data, "", "git-hub", "--ssh-key", keyFile)
	wantSealed(t, data, arn, key)
	shown += answers(t, w.platform) + w.platform.Log()
	for _, secret := range []string{token, strings.Split(key, "\n")[1], "Sealed"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	wantNowhere(t, data, token)
	wantNowhere(t, data, strings.Split(key, "\n")[1])
}

// newSSHKey makes a private key and a file that has it.
func newSSHKey(t *testing.T) (text, file string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	pemText := pem.EncodeToMemory(block)
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pemText, 0o600); err != nil {
		t.Fatal(err)
	}
	return string(pemText), file
}

// authorizeConnection runs `apron connection authorize` beside the server, and returns what it prints.
func authorizeConnection(t *testing.T, data, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), programs.apron, append([]string{"connection", "authorize", "--data", data}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("authorize: %v\n%s", err, out)
	}
	return string(out)
}

// answers is what the aws CLI shows of all connections, byte by byte as the server sent it.
func answers(t *testing.T, p *aprontest.Platform) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), awsCLI, "apprunner", "list-connections", "--debug", "--endpoint-url", p.APIURL())
	for name, value := range p.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("AVAILABLE")) {
		t.Fatalf("aws: %v\n%s", err, out)
	}
	return string(out)
}

// wantSealed opens the stored credential with the data directory's key.
func wantSealed(t *testing.T, data, arn, want string) {
	t.Helper()
	st, err := store.Join(t.Context(), filepath.Join(data, "apron.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	parsed, err := api.ParseARN(arn)
	if err != nil {
		t.Fatal(err)
	}
	var r store.Resource[store.Connection]
	err = st.View(t.Context(), func(tx *store.Tx) (err error) {
		r, err = store.FindResource[store.Connection](tx, parsed)
		return err
	})
	if err != nil || r.Record.Credential == nil {
		t.Fatalf("the stored connection is %+v, %v", r, err)
	}
	ring, err := keyring.Open(filepath.Join(data, "age.key"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.Unseal(r.Record.Credential.Sealed); err != nil || string(got) != want {
		t.Errorf("the credential opens as %q, %v", got, err)
	}
}

// wantNowhere reads every file of the data directory, the database's WAL included.
func wantNowhere(t *testing.T, data, secret string) {
	t.Helper()
	read := 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was removed just now
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s holds the secret", path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		read += len(text)
		return err
	})
	if err != nil || read == 0 {
		t.Fatalf("read %d bytes of %s: %v", read, data, err)
	}
}

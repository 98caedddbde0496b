package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"apron/store"
)

func TestCredentialSource_ReadsATokenOfOneLine(t *testing.T) {
	const token = "ghp_planted123"
	for name, tt := range map[string]struct{ text, want, fail string }{
		"as it is":           {text: token, want: token},
		"with a line end":    {text: token + "\n", want: token},
		"from Windows":       {text: token + "\r\n", want: token},
		"nothing":            {text: "", fail: "has no token"},
		"an empty line":      {text: "\n", fail: "has no token"},
		"two lines":          {text: token + "\n" + token + "\n", fail: "further lines"},
		"a space":            {text: "token " + token, fail: "has spaces"},
		"a control sign":     {text: token + "\x00", fail: "not printable"},
		"not ASCII":          {text: token + "é", fail: "not printable"},
		"not a token at all": {text: strings.Repeat("x", maxSecret+1), fail: "more than a token"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, source := range []credentialSource{{tokenStdin: true, stdin: strings.NewReader(tt.text)}, {tokenFile: file}} {
				c, err := source.read()
				wantCredential(t, c, err, store.CredentialToken, tt.want, tt.fail)
				if strings.Contains(c.shown, "planted") || err != nil && strings.Contains(err.Error(), "planted") {
					t.Errorf("the token is shown: %s, %v", c.shown, err)
				}
			}
		})
	}
}

func wantCredential(t *testing.T, c credential, err error, kind store.CredentialKind, want, fail string) {
	t.Helper()
	if fail != "" {
		if err == nil || !strings.Contains(err.Error(), fail) {
			t.Errorf("error %v, want one with %q", err, fail)
		}
		return
	}
	if err != nil || c.kind != kind || string(c.secret) != want {
		t.Errorf("read %s of %d bytes, %v; want %s of %d", c.kind, len(c.secret), err, kind, len(want))
	}
}

func TestCredentialSource_ReadsAPrivateSSHKey(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	open, err := ssh.MarshalPrivateKey(private, "planted")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := func(b *pem.Block) string { return string(pem.EncodeToMemory(b)) }
	for name, tt := range map[string]struct{ text, fail string }{
		"of OpenSSH":        {text: text(open)},
		"of OpenSSL":        {text: text(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(old)})},
		"with a passphrase": {text: text(locked), fail: "is protected by a passphrase"},
		"the public half":   {text: string(ssh.MarshalAuthorizedKey(shown)), fail: "the one without .pub"},
		"cut off":           {text: text(open)[:200], fail: "holds no private SSH key"},
		"nothing":           {text: "", fail: "holds no private SSH key"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			source := credentialSource{sshKey: file}
			c, err := source.read()
			wantCredential(t, c, err, store.CredentialSSHKey, tt.text, tt.fail)
		})
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(text(open)), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := readSSHKey(file); err != nil || !strings.Contains(c.shown, ssh.FingerprintSHA256(shown)) {
		t.Errorf("shown as %q, %v; want the fingerprint, as the provider shows it", c.shown, err)
	}
}

func TestCredentialSource_IsExactlyOne(t *testing.T) {
	for name, tt := range map[string]struct {
		source credentialSource
		ok     bool
	}{
		"none": {credentialSource{}, false},
		"one":  {credentialSource{tokenFile: "file"}, true},
		"two":  {credentialSource{tokenStdin: true, sshKey: "file"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.source.check(); (err == nil) != tt.ok {
				t.Errorf("check = %v, want no error: %t", err, tt.ok)
			}
		})
	}
}

package image_test

import (
	"os"
	"path/filepath"
	"testing"

	"apron/image"
)

func TestKeychainAuth_FindsWhatDockerLoginLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	config := `{"auths":{"registry.example:5000":{"auth":"YW5uOnNlY3JldA=="}}}` // ann:secret
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	got := image.KeychainAuth("registry.example:5000/team/web:1")
	if got == nil || got.Username != "ann" || got.Password != "secret" {
		t.Errorf("auth = %+v, want ann's", got)
	}
	for _, ref := range []string{"other.example/web:1", "not a reference"} {
		if got := image.KeychainAuth(ref); got != nil {
			t.Errorf("auth for %q = %+v, want none", ref, got)
		}
	}
}

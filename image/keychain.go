package image

import (
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// KeychainAuth finds the credentials for a reference's registry where `docker login`, `podman login` and `skopeo login`
// leave them on this machine, and returns nil when there are none.
func KeychainAuth(ref string) *Auth {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil // Pull says what is wrong with it
	}
	found, err := authn.DefaultKeychain.Resolve(parsed.Context())
	if err != nil || found == authn.Anonymous {
		return nil
	}
	config, err := found.Authorization()
	if err != nil {
		return nil
	}
	return &Auth{Username: config.Username, Password: config.Password, Token: config.RegistryToken}
}

package image

import (
	"context"
	"net/http"

	"cuelabs.dev/go/oci/ociregistry"
)

// Access is what a client of the embedded registry may do.
type Access struct {
	Account  string // whose repositories it sees
	ReadOnly bool   // it may pull only
}

// BasicAuth lets a request through to the registry of the access that check gives for its user name and password. It
// answers others as registries do: 401 with a challenge, which makes clients send what docker login stored. check must
// take the same time for right and wrong passwords; its errors are ours, not the client's.
func (s *Store) BasicAuth(check func(ctx context.Context, user, password string) (Access, bool, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		user, password, sent := req.BasicAuth()
		if sent {
			access, ok, err := check(req.Context(), user, password)
			if err != nil {
				s.writeRegistryError(w, req, err)
				return
			}
			if ok {
				s.Account(access.Account).Registry(access.ReadOnly).ServeHTTP(w, req)
				return
			}
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="apron", charset="UTF-8"`)
		w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
		_ = ociregistry.WriteError(w, errNoCredentials)
	})
}

var errNoCredentials = ociregistry.NewError("log in with an access key id and its secret: docker login -u ACCESS_KEY_ID", ociregistry.ErrUnauthorized.Code(), nil)

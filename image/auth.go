package image

import (
	"net/http"

	"cuelabs.dev/go/oci/ociregistry"
)

// BasicAuth lets a request through to next when check accepts its user name and password, and otherwise answers as
// registries do: 401 with a challenge, which makes clients send what docker login stored. check must take the same time for
// right and wrong passwords.
func BasicAuth(next http.Handler, check func(user, password string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, ok := req.BasicAuth(); ok && check(user, password) {
			next.ServeHTTP(w, req)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="apron", charset="UTF-8"`)
		w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
		_ = ociregistry.WriteError(w, errNoCredentials)
	})
}

var errNoCredentials = ociregistry.NewError("log in with an access key id and its secret: docker login -u ACCESS_KEY_ID", ociregistry.ErrUnauthorized.Code(), nil)

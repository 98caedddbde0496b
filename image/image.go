// Package image brings container images onto this machine, or makes them here, and keeps them: pull, commit, the
// content-addressed layer store, and the embedded registry that `docker push`, crane and skopeo push to. operation, build,
// fleet and the container driver call it; it must never know services.
package image

// Image is an image that is whole on this machine: every layer unpacked, nothing left to fetch.
type Image struct {
	Digest       string   // of the manifest for this machine's platform: "sha256:..."
	Architecture string   // as in the image's configuration: "amd64"
	Layers       []string // directories of the unpacked layers, lowest first
	Entrypoint   []string
	Cmd          []string
	Env          []string // KEY=value
	User         string   // as in a Dockerfile's USER; empty is root
	WorkingDir   string   // empty is /
	StopSignal   string   // such as "SIGTERM"; empty is SIGTERM
}

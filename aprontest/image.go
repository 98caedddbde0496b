package aprontest

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Build compiles a Go package into a static program for a container.
func Build(ctx context.Context, pkg, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// Image is an image that holds the program alone and runs it.
func Image(program string) (v1.Image, error) {
	file := filepath.Base(program)
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return tarOf(program, file) })
	if err != nil {
		return nil, fmt.Errorf("make image of %s: %w", program, err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("make image of %s: %w", program, err)
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH,
		RootFS: rootFS(img),
		Config: v1.Config{Entrypoint: []string{"/" + file}},
	})
}

func rootFS(img v1.Image) v1.RootFS {
	config, err := img.ConfigFile()
	if err != nil {
		return v1.RootFS{} // pushing the image reports it
	}
	return config.RootFS
}

func tarOf(program, file string) (io.ReadCloser, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o755, Size: int64(len(text))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return io.NopCloser(&b), nil
}

// Push pushes the image into the embedded registry, as `docker push` would, and returns the reference for a service.
func (p *Platform) Push(ctx context.Context, img v1.Image, repository string) (string, error) {
	ref := strings.TrimPrefix(p.APIURL(), "http://") + "/" + repository
	tag, err := name.NewTag(ref, name.Insecure)
	if err != nil {
		return "", err
	}
	auth := &authn.Basic{Username: p.Env["AWS_ACCESS_KEY_ID"], Password: p.Env["AWS_SECRET_ACCESS_KEY"]}
	if err := remote.Write(tag, img, remote.WithContext(ctx), remote.WithAuth(auth)); err != nil {
		return "", fmt.Errorf("push %s: %w", ref, err)
	}
	return ref, nil
}

// Save writes an image of the program into a file of the form that `docker save` writes.
func Save(program, path string) error {
	img, err := Image(program)
	if err != nil {
		return err
	}
	tag, err := name.NewTag(filepath.Base(program) + ":latest")
	if err != nil {
		return err
	}
	return tarball.WriteToFile(path, tag, img)
}

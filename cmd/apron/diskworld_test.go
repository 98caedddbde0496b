package main_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"

	"apron/api"
	"apron/aprontest"
)

// diskWorld is a platform on a disk of its own, with any number of services.
type diskWorld struct {
	*sourceWorld        // its own service is not used
	disk         string // where the file system is mounted
	base         v1.Image
	tenants      []*tenant
	made         int // tenants ever
}

// tenant is a service of a diskWorld, and what its deployments are to answer.
type tenant struct {
	*world
	name    string
	repo    *aprontest.Repository // nil: from images
	n       int                   // versions so far
	answers map[string]string     // by the operation of a deployment
	status  types.ServiceStatus
}

// newDiskWorld makes an ext4 of that many MiB in a file, and starts a platform on it.
func newDiskWorld(t *testing.T, size int64, args ...string) *diskWorld {
	t.Helper()
	file, dir := filepath.Join(t.TempDir(), "disk"), t.TempDir()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size<<20); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"mkfs.ext4", "-q", "-m", "0", file}, {"mount", "-o", "loop", file, dir}} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	w := &diskWorld{disk: dir, sourceWorld: &sourceWorld{world: &world{T: t, data: filepath.Join(dir, "data")}}}
	w.args = append([]string{"--runtime-image", "python311=base:1", "--file-repositories", os.TempDir(), "--start-allowance", "30s"}, args...)
	w.startServer()
	t.Cleanup(w.stop)
	var err error
	if w.base, err = aprontest.BusyBox(); err == nil {
		_, err = w.platform.Push(t.Context(), w.base, "base:1")
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// stone puts a file of that many MiB on the disk, which nobody but the test removes. 0 takes it away.
func (w *diskWorld) stone(mib int) {
	w.Helper()
	path := filepath.Join(w.disk, "stone")
	_ = os.Remove(path)
	if mib == 0 {
		return
	}
	if out, err := exec.Command("fallocate", "-l", fmt.Sprintf("%dM", mib), path).CombinedOutput(); err != nil {
		w.Fatalf("fallocate: %v\n%s", err, out)
	}
}

// ballast makes each version take its space: it cannot be compressed.
const ballast = 6 << 20

// image is one that answers with the text.
func (w *diskWorld) image(text string) v1.Image {
	w.Helper()
	noise := make([]byte, ballast)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(text))).Read(noise) // another for each text
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for name, data := range map[string][]byte{"site/index.html": []byte(text), "site/ballast": noise} {
		_ = tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))})
		_, _ = tw.Write(data)
	}
	_ = tw.Close()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		w.Fatal(err)
	}
	img, err := mutate.AppendLayers(w.base, layer)
	if err == nil {
		img, err = mutate.Config(img, v1.Config{Cmd: []string{"httpd", "-f", "-p", "8080", "-h", "/site"}})
	}
	if err != nil {
		w.Fatal(err)
	}
	return img
}

// files are a commit that answers with the text.
func ballasted(text string) map[string]string {
	files := site(text)
	files["apprunner.yaml"] = strings.Replace(siteFile, "mkdir -p site", fmt.Sprintf("mkdir -p site && head -c %d /dev/urandom > site/ballast", ballast), 1)
	return files
}

// add makes a service, from a repository or from images.
func (w *diskWorld) add(fromSource bool) *tenant {
	w.Helper()
	w.made++
	n := &tenant{
		name: fmt.Sprintf("service-%d", w.made), answers: map[string]string{},
		world: &world{T: w.T, data: w.data, platform: w.platform, client: w.client},
	}
	source := &types.SourceConfiguration{AutoDeploymentsEnabled: new(false)} // the test says when
	if fromSource {
		var err error
		if n.repo, err = aprontest.NewRepository(w.Context(), w.TempDir()); err != nil {
			w.Fatal(err)
		}
		w.next(n)
		source.CodeRepository = code(n.repo.URL())
	} else {
		source.ImageRepository = w.imageRepository(w.next(n))
	}
	out, err := n.client.CreateService(w.Context(), &apprunner.CreateServiceInput{
		ServiceName: &n.name, SourceConfiguration: source,
		InstanceConfiguration: &types.InstanceConfiguration{Cpu: new("256"), Memory: new("512")},
	})
	if err != nil {
		w.Fatal(err)
	}
	n.arn = *out.Service.ServiceArn
	n.know(*out.Service.ServiceUrl)
	n.succeeds(w.platform)
	w.tenants = append(w.tenants, n)
	return n
}

func (w *diskWorld) imageRepository(ref string) *types.ImageRepository {
	return &types.ImageRepository{ImageIdentifier: &ref, ImageRepositoryType: types.ImageRepositoryTypeEcr,
		ImageConfiguration: &types.ImageConfiguration{Port: new("8080")}}
}

// next makes the service's next version, which is then the newest to deploy, and returns its image if it is one.
func (w *diskWorld) next(n *tenant) (ref string) {
	w.Helper()
	n.n++
	n.greeting = fmt.Sprintf("%s version %d", n.name, n.n)
	var err error
	if n.repo != nil {
		_, err = n.repo.Push(w.Context(), n.greeting, ballasted(n.greeting))
	} else {
		ref, err = w.platform.Push(w.Context(), w.image(n.greeting), fmt.Sprintf("%s:%d", n.name, n.n))
	}
	if err != nil {
		w.Fatal(err)
	}
	return ref
}

func (w *diskWorld) updateTo(n *tenant, ref string) error {
	_, err := n.client.UpdateService(w.Context(), &apprunner.UpdateServiceInput{ServiceArn: &n.arn,
		SourceConfiguration: &types.SourceConfiguration{ImageRepository: w.imageRepository(ref)}})
	return err
}

// free are the bytes that are left on the disk.
func (w *diskWorld) free() int64 {
	w.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(w.disk, &s); err != nil {
		w.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// succeeds waits for the newest operation, which has made the deployment that answers with the greeting.
func (n *tenant) succeeds(p *aprontest.Platform) {
	n.Helper()
	n.platform, n.client = p, p.Client()
	n.ends(types.OperationStatusSucceeded)
	n.status = types.ServiceStatusRunning
	n.answers[n.deployments()[0].OperationId] = n.greeting
	n.world.answers(200)
}

func (n *tenant) deployments() []api.DeploymentSummary {
	n.Helper()
	var list api.ListDeploymentsResponse
	if err := n.own("ListDeployments", &list); err != nil {
		n.Fatal(err)
	}
	return list.DeploymentSummaryList
}

// backTo rolls the service back to what an operation has deployed.
func (n *tenant) backTo(p *aprontest.Platform, operation string) {
	n.Helper()
	n.platform, n.client = p, p.Client()
	if err := n.own("RollbackService", nil, "OperationId", operation); err != nil {
		n.Fatal(err)
	}
	n.greeting = n.answers[operation]
	n.succeeds(p)
}

// lie makes all images, layers and blobs as old as they are after two hours, and the bases of builds too.
func (w *diskWorld) lie() {
	w.Helper()
	at := time.Now().Add(-2 * time.Hour)
	refs, err := filepath.Glob(filepath.Join(w.data, "runtimes/refs/*.json"))
	for _, ref := range refs {
		var record map[string]any
		text, readErr := os.ReadFile(ref)
		err = errors.Join(err, readErr, json.Unmarshal(text, &record))
		record["used"] = at
		text, _ = json.Marshal(record)
		err = errors.Join(err, os.WriteFile(ref, text, 0o600))
	}
	if err != nil {
		w.Fatal(err)
	}
	for _, dir := range []string{"images", "layers", "blobs", "repos"} {
		root := filepath.Join(w.data, "images", dir)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // it is being removed
			}
			_ = os.Chtimes(path, at, at)
			if dir == "layers" && filepath.Dir(path) == root {
				return fs.SkipDir
			}
			return nil
		})
		if err != nil {
			w.Fatal(err)
		}
	}
}

func (w *diskWorld) gc(ctx context.Context) (g api.Garbage, err error) {
	text, err := w.platform.Own(ctx, "CollectGarbage", map[string]any{})
	out := api.CollectGarbageResponse{Garbage: &g}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return g, err
}

// storage is how much of a kind there is.
func (w *diskWorld) storage(kind api.StorageKind) api.StorageSummary {
	w.Helper()
	text, err := w.platform.Own(w.Context(), "DescribeStorage", map[string]any{})
	var out api.DescribeStorageResponse
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range out.Storage.StorageSummaryList {
		if s.StorageKind == kind {
			return s
		}
	}
	w.Fatalf("nothing is said of %s", kind)
	return api.StorageSummary{}
}

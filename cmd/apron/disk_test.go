package main_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
)

// TestDisk_UnderPressureKeepsWhatDeploymentsNeed lets services from images and from source go through drawn operations on a disk
// that is above its mark, while collections go on all the time; then all gets old, the disk is filled, and the server is killed
// amid collections. In the end nothing is left that can be made again, and everything else is: each service runs or is resumed,
// is rolled back to each of its deployments, and is deployed anew.
func TestDisk_UnderPressureKeepsWhatDeploymentsNeed(t *testing.T) {
	w := newDiskWorld(t, 2048, "--disk-high", "40")
	w.stone(850)
	p := pressure{diskWorld: w, rnd: rand.New(rand.NewPCG(1, 0)), pushed: map[string]bool{}}
	for i := range 4 {
		w.add(i%2 == 0)
	}
	p.beside(func() {
		for range 24 {
			p.step(w.tenants[p.rnd.IntN(len(w.tenants))])
		}
	})
	w.stone(1400)
	p.kills(4)
	p.wantNothingElse()
	w.stone(0)
	for _, n := range w.tenants {
		p.wantWhole(n)
	}
}

type pressure struct {
	*diskWorld
	rnd    *rand.Rand
	pushed map[string]bool // images that no service was ever deployed from
}

// beside runs f while collections go on.
func (p *pressure) beside(f func()) {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if _, err := p.gc(ctx); err != nil && ctx.Err() == nil {
				p.Errorf("collection %d: %v", n, err)
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	f()
}

// step does something with the service that it may do in its state.
func (p *pressure) step(n *tenant) {
	p.Helper()
	if n.status == types.ServiceStatusPaused {
		n.do(resume)
		n.status = types.ServiceStatusRunning
		n.world.answers(200)
		return
	}
	switch do := p.rnd.IntN(12); {
	case do < 5:
		p.deployNext(n)
	case do < 7:
		n.do(pause)
		n.status = types.ServiceStatusPaused
	case do < 9:
		list := n.deployments()
		n.backTo(p.platform, list[p.rnd.IntN(len(list))].OperationId)
	case do < 10:
		p.deployBroken(n)
	case do < 11:
		name := fmt.Sprintf("mine:%d", len(p.pushed))
		if _, err := p.platform.Push(p.Context(), p.image(name), name); err != nil {
			p.Fatal(err)
		}
		p.pushed[name] = true
	default:
		n.do(remove)
		p.tenants = slices.DeleteFunc(p.tenants, func(t *tenant) bool { return t == n })
		p.add(n.repo != nil)
	}
}

func (p *pressure) deployNext(n *tenant) {
	p.Helper()
	ref := p.next(n)
	err := error(nil)
	if n.repo == nil {
		err = p.updateTo(n, ref)
	} else {
		err = deploy(p.Context(), n.world)
	}
	if err != nil {
		p.Fatal(err)
	}
	n.succeeds(p.platform)
}

// deployBroken leaves the image of a version that never got healthy, and the service as it was.
func (p *pressure) deployBroken(n *tenant) {
	p.Helper()
	if n.repo == nil {
		return
	}
	files := ballasted("broken")
	files["apprunner.yaml"] = strings.Replace(files["apprunner.yaml"], "command: httpd", "command: nosuchprogram", 1)
	if _, err := n.repo.Push(p.Context(), "broken", files); err != nil {
		p.Fatal(err)
	}
	if err := deploy(p.Context(), n.world); err != nil {
		p.Fatal(err)
	}
	n.ends(types.OperationStatusFailed)
	n.world.answers(200)
}

// kills lets a collection be ended with the server so many times, and one come to its end.
func (p *pressure) kills(times int) {
	p.Helper()
	for range times {
		p.lie()
		go func() { _, _ = p.gc(p.Context()) }()
		time.Sleep(time.Duration(p.rnd.IntN(60)) * time.Millisecond)
		if err := p.platform.Kill(); err != nil {
			p.Fatal(err)
		}
		p.startServer()
	}
	p.lie()
	for range 2 { // the blobs of the first one's images are no more in use in the second
		if g, err := p.gc(p.Context()); err != nil || g.OverBytes == 0 {
			p.Fatalf("the collection came to %+v, %v; there is to be pressure until nothing is left", g, err)
		}
	}
}

// wantNothingElse wants no image but those of deployments, no tag of a build but theirs, no checkout, mirror, cache, nothing
// half done, and all that was pushed.
func (p *pressure) wantNothingElse() {
	p.Helper()
	needed := map[string]bool{}
	for _, n := range p.tenants {
		n.platform, n.client = p.platform, p.platform.Client()
		for _, d := range n.deployments() {
			needed[strings.TrimPrefix(d.ImageDigest, "sha256:")] = true
		}
	}
	var images []string
	for _, path := range p.glob("images/images/*.json") {
		images = append(images, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	if want := slices.Sorted(maps.Keys(needed)); !slices.Equal(images, want) {
		p.Errorf("the images are\n%v\ndeployments need\n%v", images, want)
	}
	for _, path := range p.glob("images/repos/apron!*/tags/*") {
		digest, err := os.ReadFile(path)
		if err != nil || !needed[strings.TrimPrefix(string(digest), "sha256:")] {
			p.Errorf("%s is the tag of a build that nothing needs, %v", path, err)
		}
	}
	for _, nothing := range []string{"sources/checkouts/*", "sources/mirrors/*", "sources/tmp/*", "builds/services/*/cache", "builds/work/*", "builds/trash/*", "images/tmp/*"} {
		if left := p.glob(nothing); len(left) > 0 {
			p.Errorf("%v is left", left)
		}
	}
	for name := range p.pushed {
		repo, tag, _ := strings.Cut(name, ":")
		if len(p.glob("images/repos/"+repo+"/tags/"+tag)) != 1 {
			p.Errorf("%s, which was pushed, is gone", name)
		}
	}
	for _, kind := range []api.StorageKind{api.StorageKindImages, api.StorageKindBases, api.StorageKindCheckouts} {
		if s := p.storage(kind); s.ReclaimableBytes != 0 {
			p.Errorf("of the %s there is more to be had: %+v", kind, s)
		}
	}
}

func (p *pressure) glob(pattern string) []string {
	p.Helper()
	found, err := filepath.Glob(filepath.Join(p.data, pattern))
	if err != nil {
		p.Fatal(err)
	}
	return found
}

// wantWhole wants the service to be able to do all that it could before.
func (p *pressure) wantWhole(n *tenant) {
	p.Helper()
	if n.status == types.ServiceStatusPaused {
		n.world.answers(404)
		n.do(resume)
	}
	n.greeting = n.answers[n.deployments()[0].OperationId]
	n.world.answers(200)
	for _, d := range slices.Backward(n.deployments()) { // each makes another, and the oldest is forgotten
		n.backTo(p.platform, d.OperationId)
	}
	p.deployNext(n)
}

// TestDisk_FullAmidABuild_IsRelieved has a build stopped before the disk is full, below any mark: what nobody needs is removed,
// the deployment says so, and the same commit is then deployed without anybody else making room.
func TestDisk_FullAmidABuild_IsRelieved(t *testing.T) {
	w := newDiskWorld(t, 1024, "--disk-high", "99")
	n, other := w.add(true), w.add(true)
	wheel := filepath.Join(w.data, "builds/services", other.id, "cache/python311/root-.cache-pip/wheel")
	if err := os.WriteFile(wheel, make([]byte, 200<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w.stone(500)
	w.next(n)
	if err := deploy(t.Context(), n.world); err != nil {
		t.Fatal(err)
	}
	n.ends(types.OperationStatusFailed)
	said := (&sourceWorld{world: n.world}).said()
	for _, part := range []string{"less than 256 MiB left on the disk", "MiB of what can be made again were removed", "`apron df`"} {
		if !strings.Contains(said, part) {
			t.Errorf("nothing says %q:\n%s", part, said)
		}
	}
	if _, err := os.Stat(wheel); err == nil {
		t.Error("the cache that nobody uses is there")
	}
	n.do(deploy)
	n.succeeds(w.platform)
}

// TestDisk_FullAmidAPull_IsRelieved and the pull succeeds at its next try.
func TestDisk_FullAmidAPull_IsRelieved(t *testing.T) {
	w := newDiskWorld(t, 512, "--disk-high", "100")
	n, other := w.add(false), w.add(true)
	wheel := filepath.Join(w.data, "builds/services", other.id, "cache/python311/root-.cache-pip/wheel")
	if err := os.WriteFile(wheel, make([]byte, 100<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	ref := w.next(n)
	free := w.free()
	w.stone(int(free>>20) - 3) // the image's layer has 6 MiB
	if err := w.updateTo(n, ref); err != nil {
		t.Fatal(err)
	}
	n.succeeds(w.platform)
	if _, err := os.Stat(wheel); err == nil {
		t.Error("the cache that nobody uses is there")
	}
	if log := w.platform.Log(); !strings.Contains(log, "a step met a full disk") {
		t.Error("no step met a full disk")
	}
}

package image_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"apron/image"
	"apron/image/imagetest"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// twoImages pulls two images that share their base layer.
func twoImages(t *testing.T, s *image.Store) (one, two string) {
	t.Helper()
	host := remoteRegistry(t)
	base := imagetest.Layer(t, file("base", strings.Repeat("b", 10000)))
	for tag, d := range map[string]*string{"one": &one, "two": &two} {
		imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, base, imagetest.Layer(t, file(tag, strings.Repeat(tag, 5000)))), host+"/web:"+tag, nil)
		got, err := s.Pull(t.Context(), host+"/web:"+tag, nil)
		if err != nil {
			t.Fatal(err)
		}
		*d = got
	}
	return one, two
}

func requireGone(t *testing.T, s *image.Store, dig string) {
	t.Helper()
	_, err := s.Image(t.Context(), dig)
	if _, ok := errors.AsType[*image.MissingError](err); !ok {
		t.Errorf("image %s is still there: %v", dig, err)
	}
}

func requireWhole(t *testing.T, s *image.Store, dig string) {
	t.Helper()
	if _, err := s.Image(t.Context(), dig); err != nil {
		t.Error(err)
	}
}

func TestRemove_KeepsLayersThatAnotherImageUses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	one, two := twoImages(t, s)
	if freed, err := s.Remove(t.Context(), one); err != nil || freed < 5000 {
		t.Fatalf("freed %d, %v", freed, err)
	}
	requireGone(t, s, one)
	requireWhole(t, s, two)
	if n := len(files(t, dir+"/layers")); n != 2 {
		t.Errorf("%d layers are left, want the base and one more", n)
	}
	if err := errors.Join(second(s.Remove(t.Context(), one)), second(s.Remove(t.Context(), two))); err != nil {
		t.Errorf("removing again, and the last: %v", err)
	}
	if left := slices.Concat(files(t, dir+"/layers"), files(t, dir+"/tmp"), files(t, dir+"/images")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func second(_ int64, err error) error { return err }

func TestRemoveIdle_LeavesWhatWasUsedLately(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	one, two := twoImages(t, s)
	if freed, err := s.RemoveIdle(t.Context(), one, time.Hour); err != nil || freed != 0 {
		t.Errorf("freed %d of what was just pulled, %v", freed, err)
	}
	requireWhole(t, s, one)
	both, err := s.Bytes(one, two, "sha256:"+strings.Repeat("0", 64))
	if err != nil || both < 10000+2*5000*3 || both >= 2*10000+2*5000*3 {
		t.Errorf("the two hold %d bytes, %v: the base counts once", both, err)
	}
	if freed, err := s.RemoveIdle(t.Context(), one, 0); err != nil || freed < 5000 {
		t.Errorf("freed %d, %v", freed, err)
	}
	requireGone(t, s, one)
	list, err := s.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Digest != two || list[0].Bytes != 10000+5000*3 || time.Since(list[0].Used) > time.Minute {
		t.Errorf("the images are %+v, %v", list, err)
	}
}

func TestUse_MakesAnImageYoungAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	one, two := twoImages(t, s)
	old := time.Now().Add(-2 * time.Hour)
	for _, dig := range []string{one, two} {
		if err := os.Chtimes(dir+"/images/"+strings.TrimPrefix(dig, "sha256:")+".json", old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Use(one); err != nil {
		t.Fatal(err)
	}
	for dig, gone := range map[string]bool{one: false, two: true} {
		if freed, err := s.RemoveIdle(t.Context(), dig, time.Hour); err != nil || gone != (freed > 0) {
			t.Errorf("freed %d of %s, %v; want it gone: %t", freed, dig, err, gone)
		}
	}
	requireWhole(t, s, one)
	if _, ok := errors.AsType[*image.MissingError](s.Use(two)); !ok {
		t.Error("an image that is gone can be used")
	}
}

func TestTagged_TellsWhatTagsLeadTo(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	host := embedded(t, s)
	img := imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, imagetest.Layer(t, file("f", "1")))
	want := imagetest.Push(t, img, host+"/web:one", nil)
	imagetest.Push(t, img, host+"/web:two", nil)
	tags, err := s.Account("").Tagged(t.Context(), "web")
	if err != nil || len(tags) != 2 || tags[0].Name != "one" || tags[1].Digest != want || time.Since(tags[1].At) > time.Minute {
		t.Errorf("the tags are %+v, %v", tags, err)
	}
	if n, bytes, err := s.RegistryUsage(t.Context()); err != nil || n != 2 || bytes <= 0 {
		t.Errorf("the registry has %d tags and %d bytes, %v", n, bytes, err)
	}
}

func TestCollect_RemovesWhatIsNotKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	one, two := twoImages(t, s)
	freed, err := s.Collect(t.Context(), []string{two})
	if err != nil || freed < 12000 {
		t.Errorf("freed %d bytes, %v", freed, err)
	}
	requireGone(t, s, one)
	requireWhole(t, s, two)
	if left := files(t, dir+"/tmp"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCollect_KeepsWhatTagsNeed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	host := embedded(t, s)
	push := func(tag, content string) string {
		return imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{User: tag}, imagetest.Layer(t, file("f", content))), host+"/web:"+tag, nil)
	}
	push("tagged", "1")
	kept := push("moved", "2")
	push("moved", "3")
	gone := push("deleted", "4")
	if err := crane.Delete(host + "/web:deleted"); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, dir+"/blobs/sha256")); n != 12 {
		t.Fatalf("%d blobs before, want four images of three", n)
	}
	if _, err := s.Collect(t.Context(), []string{kept}); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, dir+"/blobs/sha256")); n != 9 {
		t.Errorf("%d blobs after, want 9", n)
	}
	for _, ref := range []string{"web:tagged", "web:moved", "web@" + kept} {
		if _, err := s.Pull(t.Context(), ref, nil); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	_, err := s.Pull(t.Context(), "web@"+gone, nil)
	if _, ok := errors.AsType[*image.NotFoundError](err); !ok {
		t.Errorf("the image without a tag: %v", err)
	}
}

// TestCollect_RemovesEmptyRepositories beside pushes to them, of which none fails.
func TestCollect_RemovesEmptyRepositories(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, func(c *image.Config) { c.CollectGrace = 20 * time.Millisecond })
	a := s.Account("")
	img := image.NewImage{Created: time.Now(), Layers: []image.Tree{{Dir: t.TempDir()}}, Repo: "team/web", Tag: "v1"}
	if err := os.WriteFile(img.Layers[0].Dir+"/f", []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	end, rnd := time.Now().Add(time.Second), rand.New(rand.NewPCG(1, 0))
	wg.Go(func() {
		for time.Now().Before(end) {
			if _, err := s.Collect(t.Context(), nil); err != nil {
				t.Errorf("collect: %v", err)
			}
		}
	})
	for time.Now().Before(end) {
		if _, err := a.Commit(t.Context(), img); err != nil {
			t.Errorf("commit: %v", err)
		}
		if err := a.Untag(t.Context(), "team/web", "v1"); err != nil {
			t.Errorf("untag: %v", err)
		}
		time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
	}
	wg.Wait()
	for range 3 { // tags, what they led to, directories
		time.Sleep(30 * time.Millisecond)
		if _, err := s.Collect(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if left := files(t, dir+"/repos"); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
}

func TestCollect_SparesTheYoung(t *testing.T) {
	s := open(t, t.TempDir(), func(c *image.Config) { c.CollectGrace = time.Hour })
	one, two := twoImages(t, s)
	if freed, err := s.Collect(t.Context(), nil); err != nil || freed != 0 {
		t.Errorf("freed %d, %v", freed, err)
	}
	requireWhole(t, s, one)
	requireWhole(t, s, two)
}

// TestCollect_SparesAPullUnderWay holds a pull between its first layer and its second and collects all the while.
func TestCollect_SparesAPullUnderWay(t *testing.T) {
	u := newUpstream(t)
	host := u.host
	base := imagetest.Layer(t, file("base", "b"))
	imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, base), host+"/base:v1", nil)
	big, err := bigImage(t).Layers()
	if err != nil {
		t.Fatal(err)
	}
	want := imagetest.Push(t, imagetest.Image(t, "linux/"+runtime.GOARCH, v1.Config{}, base, big[0]), host+"/web:v1", nil)
	reached, release := make(chan struct{}), make(chan struct{})
	u.before = func(_ http.ResponseWriter, req *http.Request) bool {
		if u.isLayer(req) {
			close(reached)
			<-release
		}
		return false
	}
	dir := t.TempDir()
	s := open(t, dir, nil)
	if _, err := s.Pull(t.Context(), host+"/base:v1", nil); err != nil {
		t.Fatal(err)
	}
	pulled := make(chan error, 1)
	go func() { _, err := s.Pull(t.Context(), host+"/web:v1", nil); pulled <- err }()
	<-reached
	if _, err := s.Collect(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if n := len(files(t, dir+"/layers")); n != 1 {
		t.Errorf("%d layers are left, want the one that the pull relies on", n)
	}
	close(release)
	if err := <-pulled; err != nil {
		t.Fatal(err)
	}
	requireWhole(t, s, want)
	if _, err := s.Collect(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if left := slices.Concat(files(t, dir+"/layers"), files(t, dir+"/blobs/sha256"), files(t, dir+"/images")); len(left) != 0 {
		t.Errorf("after the pull nothing is kept, yet there is %v", left)
	}
}

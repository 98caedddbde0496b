package image_test

import (
	"slices"
	"testing"

	"apron/image"
	"apron/image/imagetest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestPull_BringsAnImageThatImageFinds(t *testing.T) {
	host := remoteRegistry(t)
	pushed := imagetest.Push(t, imagetest.Static(t, map[string][]byte{"/bin/app": []byte("program")}, v1.Config{
		Entrypoint: []string{"/bin/app"}, Cmd: []string{"-v"}, Env: []string{"A=b"},
		User: "1000:1000", WorkingDir: "/srv", StopSignal: "SIGINT",
	}), host+"/team/web:v1", nil)
	dir := t.TempDir()
	s := open(t, dir, nil)

	got, err := s.Pull(t.Context(), host+"/team/web:v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got != pushed {
		t.Fatalf("pulled %s, want %s", got, pushed)
	}
	img, err := s.Image(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	if len(img.Layers) != 1 || readFile(t, img.Layers[0], "bin/app") != "program" {
		t.Fatalf("layers %v do not hold the program", img.Layers)
	}
	if img.Digest != pushed || !slices.Equal(img.Entrypoint, []string{"/bin/app"}) || !slices.Equal(img.Cmd, []string{"-v"}) ||
		!slices.Equal(img.Env, []string{"A=b"}) || img.User != "1000:1000" || img.WorkingDir != "/srv" || img.StopSignal != "SIGINT" {
		t.Fatalf("image is %+v", img)
	}
	if left := append(files(t, dir+"/tmp"), files(t, dir+"/blobs/sha256")...); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPull_FromTheEmbeddedRegistryNeedsNoNetwork(t *testing.T) {
	s := open(t, t.TempDir(), func(c *image.Config) { c.LocalHosts = []string{"127.0.0.1:4080"} })
	host := embedded(t, s)
	pushed := imagetest.Push(t, imagetest.Static(t, map[string][]byte{"/app": []byte("x")}, v1.Config{}), host+"/web:v1", nil)
	for _, ref := range []string{"127.0.0.1:4080/web:v1", "web:v1", "web@" + pushed} {
		got, err := s.Pull(t.Context(), ref, nil)
		if err != nil || got != pushed {
			t.Errorf("Pull(%s) = %s, %v, want %s", ref, got, err, pushed)
		}
	}
}

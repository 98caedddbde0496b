package image_test

import (
	"fmt"
	"math/rand"
	"testing"

	"apron/image/imagetest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// fiftyMegabytes is an image of about 50 MB in 500 files, half of which compresses.
func fiftyMegabytes(b *testing.B) v1.Image {
	r := rand.New(rand.NewSource(3))
	files := map[string][]byte{}
	for i := range 500 {
		data := make([]byte, 100<<10)
		r.Read(data[:50<<10])
		files[fmt.Sprintf("/usr/lib/%02d/file%d", i%20, i)] = data
	}
	return imagetest.Static(b, files, v1.Config{})
}

func BenchmarkPull50MB(b *testing.B) {
	host := remoteRegistry(b)
	imagetest.Push(b, fiftyMegabytes(b), host+"/big:v1", nil)
	s := open(b, b.TempDir(), nil)
	b.SetBytes(50 << 20)
	for b.Loop() {
		d, err := s.Pull(b.Context(), host+"/big:v1", nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if _, err := s.Remove(b.Context(), d); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkPullOfWhatIsHere(b *testing.B) {
	host := remoteRegistry(b)
	imagetest.Push(b, imagetest.Static(b, nil, v1.Config{}), host+"/web:v1", nil)
	s := open(b, b.TempDir(), nil)
	for b.Loop() {
		if _, err := s.Pull(b.Context(), host+"/web:v1", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkImage(b *testing.B) {
	s := open(b, b.TempDir(), nil)
	imagetest.Push(b, imagetest.Static(b, nil, v1.Config{}), embedded(b, s)+"/web:v1", nil)
	d, err := s.Pull(b.Context(), "web:v1", nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Image(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
}

// noise is what does not compress, the same for the same seed.
func noise(n int, seed int64) []byte {
	data := make([]byte, n)
	rand.New(rand.NewSource(seed)).Read(data)
	return data
}

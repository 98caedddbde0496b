package image_test

import (
	"errors"
	"slices"
	"testing"

	"apron/image"
)

func TestUntag_LetsCollectTakeTheImage(t *testing.T) {
	s, a, dir := newStore(t)
	other := s.Account("123456789012")
	dig := commit(t, a, image.NewImage{Layers: []image.Tree{{Dir: upper(t)}}, Repo: "apron/web", Tag: "b"})
	commit(t, a, image.NewImage{Layers: []image.Tree{{Dir: upper(t)}}, Repo: "apron/web", Tag: "a"})
	if tags, err := a.Tags(t.Context(), "apron/web"); err != nil || !slices.Equal(tags, []string{"a", "b"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	if tags, err := other.Tags(t.Context(), "apron/web"); err != nil || len(tags) != 0 {
		t.Errorf("another account sees %v, %v", tags, err)
	}
	if _, err := other.Pull(t.Context(), "apron/web@"+dig, nil); err == nil {
		t.Error("another account can have it")
	}
	if err := errors.Join(other.Untag(t.Context(), "apron/web", "a"), a.Untag(t.Context(), "apron/web", "none"), a.Untag(t.Context(), "apron/web", "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context(), []string{dig}); err != nil {
		t.Fatal(err)
	}
	requireWhole(t, s, dig)
	if err := errors.Join(a.Untag(t.Context(), "apron/web", "b"), a.Untag(t.Context(), "apron/web", "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if left := slices.Concat(files(t, dir+"/layers"), files(t, dir+"/blobs/sha256"), files(t, dir+"/images")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

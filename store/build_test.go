package store_test

import (
	"errors"
	"fmt"
	"testing"

	"apron/store"
)

func build(t *testing.T, s *store.Store, service, key string) (image string, err error) {
	t.Helper()
	view(t, s, func(tx *store.Tx) error {
		image, err = tx.Build(service, key)
		return nil
	})
	return image, err
}

func TestBuild_IsFoundByServiceAndKey(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.KeepBuild("web", "k", "sha256:1"), tx.KeepBuild("web", "k", "sha256:2"), tx.KeepBuild("other", "k", "sha256:3"))
	})
	if image, err := build(t, s, "web", "k"); image != "sha256:2" || err != nil {
		t.Errorf("the image is %s, %v, want the one that was built last", image, err)
	}
	if image, err := build(t, s, "web", "another"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the build of an unknown key is %s, %v", image, err)
	}
	update(t, s, func(tx *store.Tx) error { return tx.ForgetBuilds("web") })
	if image, err := build(t, s, "web", "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a forgotten build is %s, %v", image, err)
	}
	if image, err := build(t, s, "other", "k"); image != "sha256:3" || err != nil {
		t.Errorf("the other service's image is %s, %v", image, err)
	}
}

func TestBuilds_AreTheLastTwenty(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error {
		errs := []error{tx.KeepBuild("other", "k", "sha256:0")}
		for i := range store.Builds + 2 {
			errs = append(errs, tx.KeepBuild("web", fmt.Sprint(i), "sha256:1"))
		}
		return errors.Join(errs...)
	})
	for key, kept := range map[string]bool{"0": false, "1": false, "2": true, fmt.Sprint(store.Builds + 1): true} {
		if _, err := build(t, s, "web", key); (err == nil) != kept {
			t.Errorf("build %s: %v, kept should be %v", key, err, kept)
		}
	}
	if _, err := build(t, s, "other", "k"); err != nil {
		t.Errorf("another service's build: %v", err)
	}
}

package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"apron/api"
	"apron/store"
)

func deployment(id string) store.PastDeployment {
	return store.PastDeployment{
		Type: api.OperationStartDeployment, At: api.At(time.UnixMilli(1700000000123)),
		Deployment: store.Deployment{ID: id, Image: "sha256:" + id},
	}
}

func listed(t *testing.T, s *store.Store, arn string, after int64, limit int) (ids []string, last int64) {
	t.Helper()
	view(t, s, func(tx *store.Tx) error {
		rows, err := tx.ListDeployments(arn, after, limit)
		for _, row := range rows {
			ids, last = append(ids, row.Record.Deployment.ID), row.Seq
		}
		return err
	})
	return ids, last
}

func TestDeployments_AreTheLastTen(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error {
		if _, err := tx.KeepDeployment("other", deployment("x")); err != nil {
			return err
		}
		for i := range store.PastDeployments + 2 {
			dropped, err := tx.KeepDeployment("arn", deployment(fmt.Sprintf("d%02d", i)))
			var want []string
			if i >= store.PastDeployments {
				want = []string{fmt.Sprintf("sha256:d%02d", i-store.PastDeployments)}
			}
			if err != nil || !slices.Equal(dropped, want) {
				t.Errorf("number %d drops %v, %v; want %v", i, dropped, err, want)
			}
		}
		dropped, err := tx.KeepDeployment("arn", deployment("d05")) // the end of an operation is written again
		if err != nil || dropped != nil {
			t.Errorf("one that is kept drops %v, %v", dropped, err)
		}
		return nil
	})
	ids, _ := listed(t, s, "arn", 0, -1)
	if want := []string{"d11", "d10", "d09", "d08", "d07", "d06", "d05", "d04", "d03", "d02"}; !slices.Equal(ids, want) {
		t.Errorf("kept are %v, want %v", ids, want)
	}
	ids, last := listed(t, s, "arn", 0, 2)
	next, _ := listed(t, s, "arn", last, 2)
	if got := append(ids, next...); !slices.Equal(got, []string{"d11", "d10", "d09", "d08"}) {
		t.Errorf("two pages are %v", got)
	}
	update(t, s, func(tx *store.Tx) error {
		images, err := tx.ForgetDeployments("arn")
		if err != nil || len(images) != store.PastDeployments {
			t.Errorf("forgotten are %v, %v", images, err)
		}
		return err
	})
	if ids, _ := listed(t, s, "other", 0, -1); !slices.Equal(ids, []string{"x"}) {
		t.Errorf("the other service keeps %v", ids)
	}
}

func TestDeployment_IsFoundByItsOperationAndItsSuccessor(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error {
		var errs []error
		for _, id := range []string{"a", "b"} {
			_, err := tx.KeepDeployment("arn", deployment(id))
			errs = append(errs, err)
		}
		_, err := tx.KeepDeployment("other", deployment("c"))
		errs = append(errs, err)
		return errors.Join(errs...)
	})
	view(t, s, func(tx *store.Tx) error {
		if d, err := tx.PastDeployment("arn", "b"); err != nil || d.Deployment.Image != "sha256:b" {
			t.Errorf("b is %+v, %v", d, err)
		}
		if d, err := tx.DeploymentBefore("arn", "b"); err != nil || d.Deployment.ID != "a" {
			t.Errorf("before b is %+v, %v", d, err)
		}
		for _, id := range []string{"a", "c", "none"} {
			if d, err := tx.DeploymentBefore("arn", id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("before %s is %+v, %v", id, d, err)
			}
		}
		if d, err := tx.PastDeployment("arn", "c"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another service's is found: %+v, %v", d, err)
		}
		return nil
	})
}

func TestImages_AreAlsoThoseThatServicesCanGoBackTo(t *testing.T) {
	s := newStore(t)
	svc := service("web-app")
	svc.Deployed = &store.Deployment{ID: "b", Image: "sha256:b"}
	update(t, s, func(tx *store.Tx) error {
		_, first := tx.KeepDeployment(svc.Service.ServiceArn, deployment("c"))
		_, second := tx.KeepDeployment(svc.Service.ServiceArn, deployment("b"))
		return errors.Join(tx.PutService(svc), first, second)
	})
	view(t, s, func(tx *store.Tx) error {
		if images, err := tx.Images(); err != nil || !slices.Equal(images, []string{"sha256:b", "sha256:c"}) {
			t.Errorf("the images are %v, %v", images, err)
		}
		return nil
	})
}

func TestPurge_ForgetsDeployments(t *testing.T) {
	s := newStore(t)
	svc := service("web-app")
	svc.Service.DeletedAt = new(api.At(time.Now()))
	update(t, s, func(tx *store.Tx) error {
		_, err := tx.KeepDeployment(svc.Service.ServiceArn, deployment("a"))
		return errors.Join(err, tx.PutService(svc), tx.PurgeServices(time.Now().Add(time.Minute)))
	})
	if ids, _ := listed(t, s, svc.Service.ServiceArn, 0, -1); ids != nil {
		t.Errorf("left are %v", ids)
	}
}

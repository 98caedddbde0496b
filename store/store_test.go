package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/store"
)

const (
	account = "123456789012"
	region  = "us-east-1"
)

func open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t *testing.T) *store.Store {
	return open(t, filepath.Join(t.TempDir(), "apron.db"))
}

func service(name string) store.Service {
	now := api.At(time.Now())
	id := api.NewID()
	return store.Service{Account: account, Region: region, Service: api.Service{
		ServiceName: name,
		ServiceId:   id,
		ServiceArn:  api.ARN{Region: region, Account: account, Kind: api.ResourceService, Name: name, ID: id}.String(),
		Status:      api.StatusRunning,
		CreatedAt:   now,
		UpdatedAt:   now,
	}}
}

func operation(arn string) store.Operation {
	now := api.At(time.Now())
	return store.Operation{Summary: api.OperationSummary{
		Id: new(api.NewID()), Type: new(api.OperationPauseService), Status: new(api.OperationPending),
		TargetArn: &arn, StartedAt: &now, UpdatedAt: &now,
	}}
}

func update(t *testing.T, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s *store.Store, f func(*store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func TestRecords_SurviveReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space & ?#%.db")
	want, op := service("web-app"), operation("")
	op.Summary.TargetArn = &want.Service.ServiceArn
	want.Deployed = &store.Deployment{ID: "d1", Image: "sha256:abc", Config: want.Service}
	op.Done = []string{"drain"}

	first := open(t, path)
	update(t, first, func(tx *store.Tx) error {
		return errors.Join(tx.PutService(want), tx.PutOperation(op), tx.PutTag(want.Service.ServiceArn, "k", "v"))
	})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	view(t, open(t, path), func(tx *store.Tx) error {
		got, err := tx.Service(want.Service.ServiceArn)
		if err != nil || got.Deployed.Image != "sha256:abc" || got.Service.CreatedAt != want.Service.CreatedAt {
			t.Errorf("service = %+v, %v", got, err)
		}
		if byID, err := tx.ServiceByID(want.Service.ServiceId); err != nil || byID.Service.ServiceArn != want.Service.ServiceArn {
			t.Errorf("service by id = %+v, %v", byID, err)
		}
		gotOp, err := tx.OpenOperation(want.Service.ServiceArn)
		if err != nil || gotOp.ID() != op.ID() || len(gotOp.Done) != 1 {
			t.Errorf("operation = %+v, %v", gotOp, err)
		}
		tags, err := tx.Tags(want.Service.ServiceArn)
		if err != nil || len(tags) != 1 || tags[0] != (store.Tag{Key: "k", Value: "v"}) {
			t.Errorf("tags = %v, %v", tags, err)
		}
		return nil
	})
}

func TestUpdate_ChangesNothingAfterAnError(t *testing.T) {
	s, svc := newStore(t), service("web-app")
	boom := errors.New("boom")
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.PutService(svc); err != nil {
			t.Fatal(err)
		}
		return boom
	})
	if err != boom {
		t.Fatalf("error = %v, want it handed through", err)
	}
	view(t, s, func(tx *store.Tx) error {
		if _, err := tx.Service(svc.Service.ServiceArn); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("error = %v, want ErrNotFound", err)
		}
		return nil
	})
}

func TestView_RefusesWrites(t *testing.T) {
	s := newStore(t)
	if err := s.View(t.Context(), func(tx *store.Tx) error { return tx.PutTag("a", "b", "c") }); err == nil {
		t.Error("a View wrote a tag")
	}
}

func TestServices_PagesInOrderOfCreation(t *testing.T) {
	s := newStore(t)
	names := []string{"zulu", "alfa", "mike", "kilo"}
	update(t, s, func(tx *store.Tx) error {
		for _, name := range names {
			if err := tx.PutService(service(name)); err != nil {
				return err
			}
		}
		other := service("other")
		other.Region = "eu-west-1"
		return tx.PutService(other)
	})
	var got []string
	view(t, s, func(tx *store.Tx) error {
		for after := int64(0); ; {
			rows, err := tx.Summaries(account, region, after, 3)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, row := range rows {
				got = append(got, *row.Record.ServiceName)
			}
			after = rows[len(rows)-1].Seq
		}
	})
	if len(got) != 4 || got[0] != "zulu" || got[3] != "kilo" {
		t.Errorf("names = %v, want %v", got, names)
	}
}

func TestDeletedService_FreesItsNameAndStaysReadableUntilPurged(t *testing.T) {
	s, old := newStore(t), service("web-app")
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.PutService(old), tx.PutOperation(operation(old.Service.ServiceArn)))
	})
	deleted := api.At(time.Now().Add(-time.Minute))
	old.Service.Status, old.Service.DeletedAt = api.StatusDeleted, &deleted
	update(t, s, func(tx *store.Tx) error { return tx.PutService(old) })
	update(t, s, func(tx *store.Tx) error { return tx.PutService(service("web-app")) })

	purge := func(before time.Duration) {
		update(t, s, func(tx *store.Tx) error { return tx.PurgeServices(time.Now().Add(-before)) })
	}
	readable := func() (err error) {
		view(t, s, func(tx *store.Tx) error { _, err = tx.Service(old.Service.ServiceArn); return nil })
		return err
	}
	purge(time.Hour)
	if err := readable(); err != nil {
		t.Errorf("a minute after its deletion: %v", err)
	}
	purge(time.Second)
	if err := readable(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after the purge: %v, want ErrNotFound", err)
	}
	view(t, s, func(tx *store.Tx) error {
		if rows, err := tx.OpenOperations(); err != nil || len(rows) != 0 {
			t.Errorf("operations left = %v, %v", rows, err)
		}
		return nil
	})
}

func TestTwoServices_CannotHoldOneName(t *testing.T) {
	s := newStore(t)
	update(t, s, func(tx *store.Tx) error { return tx.PutService(service("web-app")) })
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutService(service("web-app")) }); err == nil {
		t.Error("the name was given twice")
	}
}

func TestOperations_NewestFirst(t *testing.T) {
	s := newStore(t)
	const arn = "arn"
	var want []string
	update(t, s, func(tx *store.Tx) error {
		for range 3 {
			op := operation(arn)
			want = append([]string{op.ID()}, want...)
			if err := tx.PutOperation(op); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx *store.Tx) error {
		first, err := tx.Operations(arn, 0, 2)
		if err != nil || len(first) != 2 {
			t.Fatalf("first page = %v, %v", first, err)
		}
		rest, err := tx.Operations(arn, first[1].Seq, -1)
		if err != nil || len(rest) != 1 {
			t.Fatalf("second page = %v, %v", rest, err)
		}
		for i, row := range append(first, rest...) {
			if row.Record.ID() != want[i] {
				t.Errorf("operation %d = %s, want %s", i, row.Record.ID(), want[i])
			}
		}
		return nil
	})
}

func TestUpdate_ManyWritersTakeTurns(t *testing.T) {
	s := newStore(t)
	done := make(chan error)
	const writers = 20
	for range writers {
		go func() {
			done <- s.Update(t.Context(), func(tx *store.Tx) error {
				tags, err := tx.Tags("counter")
				if err != nil {
					return err
				}
				return tx.PutTag("counter", string(rune('a'+len(tags))), "")
			})
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	view(t, s, func(tx *store.Tx) error {
		if tags, err := tx.Tags("counter"); err != nil || len(tags) != writers {
			t.Errorf("%d tags, %v; want %d: writers overlapped", len(tags), err, writers)
		}
		return nil
	})
}

func TestOpen_RefusesADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apron.db")
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, 4096, bytes.Repeat([]byte("damage"), 3*4096/6))
	s, err = store.Open(t.Context(), path)
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "put a backup in its place") {
		t.Errorf("Open of a damaged file = %v", err)
	}
}

func overwrite(t *testing.T, path string, offset int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(with, offset)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

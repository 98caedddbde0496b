package store_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"apron/api"
	"apron/store"
)

// schema brings a database to a version of the schema, up or down.
func schema(t *testing.T, path string, version int64, f func(*sql.DB)) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	at, err := p.GetDBVersion(t.Context())
	if err == nil && at > version {
		_, err = p.DownTo(t.Context(), version)
	} else if err == nil {
		_, err = p.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
	f(db)
}

func TestServices_OfOlderVersions_KeepEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apron.db")
	svc, op := paused("web-app")
	old, err := json.Marshal(struct {
		store.Service
		Deployed *store.Deployment `json:"deployed"`
	}{svc, op.Target})
	if err != nil {
		t.Fatal(err)
	}
	schema(t, path, 2, func(db *sql.DB) {
		_, err := db.Exec(`INSERT INTO services (arn, id, account, region, name, status, record) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			svc.Service.ServiceArn, svc.Service.ServiceId, account, region, svc.Service.ServiceName, svc.Service.Status, string(old))
		if err != nil {
			t.Fatal(err)
		}
	})
	s := open(t, path)
	view(t, s, func(tx *store.Tx) error {
		if got, err := tx.Service(svc.Service.ServiceArn); err != nil || !reflect.DeepEqual(got, svc) {
			t.Errorf("the service is\n%+v, %v, want\n%+v", got, err, svc)
		}
		c := svc.Service
		rows, err := tx.Summaries(account, region, 0, -1)
		if err != nil || len(rows) != 1 || *rows[0].Record.CreatedAt != c.CreatedAt || *rows[0].Record.UpdatedAt != c.UpdatedAt ||
			*rows[0].Record.ServiceUrl != *c.ServiceUrl {
			t.Errorf("the summaries are %+v, %v", rows, err)
		}
		if images, err := tx.Images(); err != nil || len(images) != 1 || images[0] != op.Target.Image {
			t.Errorf("the images are %v, %v", images, err)
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	schema(t, path, 2, func(db *sql.DB) {
		var back []byte
		if err := db.QueryRow(`SELECT record FROM services`).Scan(&back); err != nil || string(back) != string(old) {
			t.Errorf("an older version finds\n%s, %v, want\n%s", back, err, old)
		}
	})
}

// TestDeployment_OfOlderVersions_CanBeGoneBackTo gives a service that was deployed before there was a list of them the
// one that is known, with the type and the end of the operation that made it.
func TestDeployment_OfOlderVersions_CanBeGoneBackTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apron.db")
	svc, op := paused("web-app")
	op.Summary.Id, op.Summary.Type = &svc.Deployed.ID, new(api.OperationUpdateService)
	op.Summary.EndedAt = new(api.At(time.UnixMilli(1700000000123)))
	never := service("never-deployed")
	schema(t, path, 4, func(db *sql.DB) {
		for _, s := range []store.Service{svc, never} {
			var deployed, image any
			if s.Deployed != nil {
				deployed, image = encoded(t, s.Deployed), s.Deployed.Image
			}
			_, err := db.Exec(`INSERT INTO services (arn, id, account, region, name, status, record, deployed, image) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				s.Service.ServiceArn, s.Service.ServiceId, account, region, s.Service.ServiceName, s.Service.Status, encoded(t, s), deployed, image)
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec(`INSERT INTO operations (id, arn, ended, record) VALUES (?, ?, ?, ?)`, op.ID(), op.ServiceArn(), 1, encoded(t, op)); err != nil {
			t.Fatal(err)
		}
	})
	s := open(t, path)
	view(t, s, func(tx *store.Tx) error {
		rows, err := tx.ListDeployments(svc.Service.ServiceArn, 0, -1)
		want := store.PastDeployment{Type: api.OperationUpdateService, At: *op.Summary.EndedAt, Deployment: *svc.Deployed}
		if err != nil || len(rows) != 1 || !reflect.DeepEqual(rows[0].Record, want) {
			t.Errorf("the deployments are\n%+v, %v, want\n%+v", rows, err, want)
		}
		rows, err = tx.ListDeployments(never.Service.ServiceArn, 0, -1)
		if err != nil || len(rows) != 0 {
			t.Errorf("a service that was never deployed has %+v, %v", rows, err)
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	schema(t, path, 4, func(db *sql.DB) {
		var services, operations int
		err := db.QueryRow(`SELECT (SELECT count(*) FROM services), (SELECT count(*) FROM operations)`).Scan(&services, &operations)
		if err != nil || services != 2 || operations != 1 {
			t.Errorf("an older version finds %d services and %d operations, %v", services, operations, err)
		}
	})
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

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

type note struct{ Text string }

func configuration(name string, revision int) store.Resource[note] {
	return store.Resource[note]{
		ARN: api.ARN{
			Region: region, Account: account, Kind: api.ResourceAutoScalingConfiguration,
			Name: name, Revision: revision, ID: api.NewID(),
		},
		Record: note{fmt.Sprint(name, revision)},
	}
}

func put(t *testing.T, s *store.Store, resources ...store.Resource[note]) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		for _, r := range resources {
			if err := store.PutResource(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func remove(r store.Resource[note], at time.Time) store.Resource[note] {
	r.Deleted = new(api.At(at))
	return r
}

func TestFindResource_UnderstandsPartialARNs(t *testing.T) {
	s := newStore(t)
	one, two, three := configuration("high", 1), configuration("high", 2), configuration("high", 3)
	put(t, s, one, two, remove(three, time.Now()), configuration("other", 1))
	tests := map[string]struct {
		arn  api.ARN
		want string
	}{
		"full":              {one.ARN, "high1"},
		"full and deleted":  {three.ARN, "high3"},
		"name and revision": {api.ARN{Region: region, Account: account, Kind: one.ARN.Kind, Name: "high", Revision: 1}, "high1"},
		"deleted revision":  {api.ARN{Region: region, Account: account, Kind: one.ARN.Kind, Name: "high", Revision: 3}, "high3"},
		"name":              {api.ARN{Region: region, Account: account, Kind: one.ARN.Kind, Name: "high"}, "high2"},
		"unknown name":      {api.ARN{Region: region, Account: account, Kind: one.ARN.Kind, Name: "low"}, ""},
		"other region":      {api.ARN{Region: "eu-west-1", Account: account, Kind: one.ARN.Kind, Name: "high"}, ""},
		"other kind":        {api.ARN{Region: region, Account: account, Kind: api.ResourceVpcConnector, Name: "high"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			update(t, s, func(tx *store.Tx) error {
				got, err := store.FindResource[note](tx, tt.arn)
				if got.Record.Text != tt.want || (tt.want == "") != errors.Is(err, store.ErrNotFound) {
					t.Errorf("found %q, %v; want %q", got.Record.Text, err, tt.want)
				}
				return nil
			})
		})
	}
}

func TestResources_ListsWhatIsNotDeleted(t *testing.T) {
	s := newStore(t)
	owned := configuration("mine", 1)
	owned.Service = "arn:of:a:service"
	first := configuration("a", 1)
	put(t, s, first, configuration("b", 1), configuration("a", 2), remove(configuration("a", 3), time.Now()), owned)
	all := store.ResourceList{Account: account, Region: region, Kind: api.ResourceAutoScalingConfiguration, Limit: -1}
	with := func(change func(*store.ResourceList)) store.ResourceList {
		l := all
		change(&l)
		return l
	}
	tests := map[string]struct {
		list store.ResourceList
		want []string
	}{
		"all":            {all, []string{"a1", "b1", "a2", "mine1"}},
		"latest":         {with(func(l *store.ResourceList) { l.LatestOnly = true }), []string{"b1", "a2", "mine1"}},
		"latest and one": {with(func(l *store.ResourceList) { l.LatestOnly, l.Also = true, first.ARN.String() }), []string{"a1", "b1", "a2", "mine1"}},
		"of a name":      {with(func(l *store.ResourceList) { l.Name = "a" }), []string{"a1", "a2"}},
		"of a service":   {with(func(l *store.ResourceList) { l.Service = owned.Service }), []string{"mine1"}},
		"second page":    {with(func(l *store.ResourceList) { l.After, l.Limit = 1, 2 }), []string{"b1", "a2"}},
		"other account":  {with(func(l *store.ResourceList) { l.Account = "210987654321" }), nil},
		"another region": {with(func(l *store.ResourceList) { l.Region = "eu-west-1" }), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			update(t, s, func(tx *store.Tx) error {
				rows, err := store.Resources[note](tx, tt.list)
				var got []string
				for _, row := range rows {
					got = append(got, row.Record.Record.Text)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
				return err
			})
		})
	}
}

func TestPurgeResources_KeepsTheHighestRevision(t *testing.T) {
	s := newStore(t)
	long := time.Now().Add(-time.Hour)
	young := remove(configuration("young", 1), time.Now())
	connection, connector := configuration("gone", 0), configuration("gone", 1)
	connector.ARN.Kind = api.ResourceVpcConnector
	put(t, s, remove(configuration("a", 1), long), remove(configuration("a", 2), long), young, remove(connection, long), remove(connector, long))
	update(t, s, func(tx *store.Tx) error {
		if err := tx.PurgeResources(time.Now().Add(-time.Minute)); err != nil {
			return err
		}
		for _, want := range []struct {
			name     string
			revision int
			there    bool
		}{{"a", 1, false}, {"a", 2, true}, {"young", 1, true}} {
			arn := young.ARN
			arn.Name, arn.Revision, arn.ID = want.name, want.revision, ""
			if _, err := store.FindResource[note](tx, arn); (err == nil) != want.there {
				t.Errorf("%s/%d: %v, want there %t", want.name, want.revision, err, want.there)
			}
		}
		for _, gone := range []api.ARN{connection.ARN, connector.ARN} {
			if _, err := store.FindResource[note](tx, gone); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the deleted %s is there: %v", gone, err)
			}
		}
		arn := young.ARN
		arn.Name = "a"
		last, err := tx.LastRevision(arn)
		if last != 2 {
			t.Errorf("last revision %d, want 2", last)
		}
		return err
	})
}

func TestLinks_FollowTheService(t *testing.T) {
	s := newStore(t)
	svc := service("web-app")
	svc.Service.AutoScalingConfigurationSummary = &api.AutoScalingConfigurationSummary{AutoScalingConfigurationArn: new("arn:new")}
	deployed := svc.Service
	deployed.AutoScalingConfigurationSummary = &api.AutoScalingConfigurationSummary{AutoScalingConfigurationArn: new("arn:old")}
	svc.Deployed = &store.Deployment{Config: deployed}
	inUse := func(arn string) (used bool) {
		t.Helper()
		update(t, s, func(tx *store.Tx) (err error) {
			used, err = tx.InUse(arn)
			return err
		})
		return used
	}
	update(t, s, func(tx *store.Tx) error { return tx.PutService(svc) })
	if !inUse("arn:new") || !inUse("arn:old") {
		t.Error("while an update is under way both configurations are in use")
	}
	svc.Deployed.Config = svc.Service
	update(t, s, func(tx *store.Tx) error { return tx.PutService(svc) })
	if !inUse("arn:new") || inUse("arn:old") {
		t.Error("after the update the new one alone is in use")
	}
	update(t, s, func(tx *store.Tx) error {
		rows, err := tx.ServicesUsing("arn:new", 0, -1)
		if len(rows) != 1 || rows[0].Record != svc.Service.ServiceArn {
			t.Errorf("services using it: %v", rows)
		}
		return err
	})
	svc.Service.DeletedAt = new(api.At(time.Now()))
	update(t, s, func(tx *store.Tx) error { return tx.PutService(svc) })
	if inUse("arn:new") {
		t.Error("a deleted service uses nothing")
	}
}

func TestDomains_HaveOneOwnerEach(t *testing.T) {
	s := newStore(t)
	d := store.Domain{Service: "arn:a", Domain: api.CustomDomain{DomainName: "www.example.com"}, Moving: true}
	update(t, s, func(tx *store.Tx) error { return tx.PutDomain(d) })
	update(t, s, func(tx *store.Tx) error {
		moving, err := tx.MovingDomains()
		if len(moving) != 1 || moving[0].Record.Service != "arn:a" {
			t.Errorf("moving: %v", moving)
		}
		of, err2 := tx.Domains("arn:a", 0, -1)
		if len(of) != 1 {
			t.Errorf("domains of the service: %v", of)
		}
		return errors.Join(err, err2, tx.DeleteDomain("www.example.com"))
	})
	update(t, s, func(tx *store.Tx) error {
		if _, err := tx.Domain("www.example.com"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the domain is still there: %v", err)
		}
		return nil
	})
}

func TestDeleteDomains_LeavesOtherServicesTheirs(t *testing.T) {
	s := newStore(t)
	domain := func(service, name string) store.Domain {
		return store.Domain{Service: service, Domain: api.CustomDomain{DomainName: name}}
	}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutDomain(domain("arn:a", "example.com")), tx.PutDomain(domain("arn:a", "example.net")),
			tx.PutDomain(domain("arn:b", "example.org")), tx.DeleteDomains("arn:a"),
		)
	})
	update(t, s, func(tx *store.Tx) error {
		a, err := tx.Domains("arn:a", 0, -1)
		b, err2 := tx.Domains("arn:b", 0, -1)
		if len(a) != 0 || len(b) != 1 {
			t.Errorf("%d and %d domains are left, want none and the other service's", len(a), len(b))
		}
		return errors.Join(err, err2)
	})
}

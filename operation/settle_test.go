package operation_test

import (
	"testing"
	"testing/synctest"

	"apron/api"
	"apron/store"
)

func ingress(status api.VpcIngressConnectionStatus) store.Resource[api.VpcIngressConnection] {
	return store.Resource[api.VpcIngressConnection]{
		ARN: api.ARN{
			Region: caller.Region, Account: caller.Account, Kind: api.ResourceVpcIngressConnection, Name: "private-web", ID: api.NewID(),
		},
		Moving: true,
		Record: api.VpcIngressConnection{Status: &status},
	}
}

func (r *rig) change(f func(*store.Tx) error) {
	r.t.Helper()
	if err := r.store.Update(r.t.Context(), f); err != nil {
		r.t.Fatal(err)
	}
}

func TestSettle_BringsIngressConnectionsToRest(t *testing.T) {
	tests := map[string]struct {
		from, to api.VpcIngressConnectionStatus
	}{
		"created": {api.VpcIngressConnectionPendingCreation, api.VpcIngressConnectionAvailable},
		"updated": {api.VpcIngressConnectionPendingUpdate, api.VpcIngressConnectionAvailable},
		"deleted": {api.VpcIngressConnectionPendingDeletion, api.VpcIngressConnectionDeleted},
	}
	m := newMachine(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubbleOn(t, m.another(t), func(r *rig) {
				moving := ingress(tt.from)
				r.change(func(tx *store.Tx) error { return store.PutResource(tx, moving) })
				r.worker.Settle()
				synctest.Wait()
				r.change(func(tx *store.Tx) error {
					got, err := store.FindResource[api.VpcIngressConnection](tx, moving.ARN)
					if *got.Record.Status != tt.to || got.Moving {
						t.Errorf("status %s, moving %t; want %s at rest", *got.Record.Status, got.Moving, tt.to)
					}
					if gone := tt.to == api.VpcIngressConnectionDeleted; (got.Deleted != nil) != gone || (got.Record.DeletedAt != nil) != gone {
						t.Errorf("deleted %v, shown as %v; want set: %t", got.Deleted, got.Record.DeletedAt, gone)
					}
					return err
				})
			})
		})
	}
}

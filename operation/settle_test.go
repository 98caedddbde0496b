package operation_test

import (
	"errors"
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

func TestSettle_GoesOnAfterARestart(t *testing.T) {
	bubble(t, func(r *rig) {
		domain := func(name string, status api.CustomDomainAssociationStatus) store.Domain {
			return store.Domain{Service: "arn", Moving: true, Domain: api.CustomDomain{DomainName: name, Status: status}}
		}
		r = r.restartAfter(func(tx *store.Tx) error {
			return errors.Join(
				tx.PutDomain(domain("new.example.com", api.CustomDomainCreating)),
				tx.PutDomain(domain("old.example.com", api.CustomDomainDeleting)),
			)
		})
		synctest.Wait()
		r.change(func(tx *store.Tx) error {
			rows, err := tx.Domains("arn", 0, -1)
			if len(rows) != 1 || rows[0].Record.Domain.Status != api.CustomDomainPendingCertificateDNSValidation || rows[0].Record.Moving {
				t.Errorf("domains are %+v; want the new one alone, pending", rows)
			}
			return err
		})
	})
}

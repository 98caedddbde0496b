package control

import (
	"context"
	"errors"
	"time"

	"apron/api"
	"apron/store"
)

// CreateConnection records a connection to a provider of source code. It is of use once the operator has completed it
// with `apron connection authorize`, as App Runner's is after the handshake in its console.
func (c *Control) CreateConnection(ctx context.Context, caller api.Caller, in *api.CreateConnectionRequest) (*api.CreateConnectionResponse, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	arn := newARN(caller, api.ResourceConnection, in.ConnectionName, 0)
	r := store.Resource[api.Connection]{ARN: arn, Record: api.Connection{
		ConnectionName: &in.ConnectionName,
		ConnectionArn:  new(arn.String()),
		ProviderType:   &in.ProviderType,
		Status:         new(api.ConnectionPendingHandshake),
		CreatedAt:      new(api.At(time.Now())),
	}}
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if err := unusedName(tx, arn); err != nil {
			return err
		}
		if err := c.roomFor(tx, arn, "connections", "connections"); err != nil {
			return err
		}
		return errors.Join(store.PutResource(tx, r), putTags(tx, arn.String(), in.Tags))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateConnectionResponse{Connection: &r.Record}, nil
}

// ListConnections lists the caller's connections, oldest first: all of them, or the one with exactly the name given.
func (c *Control) ListConnections(ctx context.Context, caller api.Caller, in *api.ListConnectionsRequest) (*api.ListConnectionsResponse, error) {
	list := store.ResourceList{Account: caller.Account, Region: caller.Region, Kind: api.ResourceConnection}
	if in.ConnectionName != nil {
		list.Name = *in.ConnectionName
	}
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListConnections", list.Name)
	if err != nil {
		return nil, err
	}
	list.After, list.Limit = page.after, page.fetch()
	var rows []store.Row[store.Resource[api.Connection]]
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = store.Resources[api.Connection](tx, list)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListConnectionsResponse{ConnectionSummaryList: []api.ConnectionSummary{}}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		out.ConnectionSummaryList = append(out.ConnectionSummaryList, api.ConnectionSummary(row.Record.Record))
	}
	return out, nil
}

// DeleteConnection forgets a connection that no service uses, and with it the credential that it was given. The reply
// shows it as DELETED; no list does from then on, which is what Terraform waits for.
func (c *Control) DeleteConnection(ctx context.Context, caller api.Caller, in *api.DeleteConnectionRequest) (*api.DeleteConnectionResponse, error) {
	var r store.Resource[api.Connection]
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = findLive[api.Connection](tx, caller, api.ResourceConnection, in.ConnectionArn); err != nil {
			return err
		}
		users, err := tx.ServicesUsing(r.ARN.String(), 0, 1)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return api.InvalidRequest("You can't delete the connection %s. It's used by one or more services, such as %s. Delete them, or give them another connection with UpdateService.",
				r.ARN.Name, users[0].Record)
		}
		r.Record.Status, r.Deleted = new(api.ConnectionDeleted), new(api.At(time.Now()))
		return store.PutResource(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteConnectionResponse{Connection: &r.Record}, nil
}

// AuthorizeConnection does what App Runner's console does at the end of the handshake: it gives the connection its
// credential, in place of the one that it may have, and makes it AVAILABLE. It fails with a NotFound error when the
// connection has been deleted.
func AuthorizeConnection(tx *store.Tx, arn api.ARN, credential store.Credential) error {
	r, err := store.FindResource[store.Connection](tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Deleted != nil {
		return api.NotFound("The connection %s is deleted. Create it again with CreateConnection.", arn)
	}
	if err != nil {
		return err
	}
	r.Record.Credential, r.Record.Status = &credential, new(api.ConnectionAvailable)
	return store.PutResource(tx, r)
}

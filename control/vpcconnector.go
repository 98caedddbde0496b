package control

import (
	"context"
	"errors"
	"strings"
	"time"

	"apron/api"
	"apron/store"
)

// CreateVpcConnector records which subnets and security groups services may send their outgoing traffic through. A name
// has one revision only, so that a name in use is refused (App Runner API reference, section 2.1).
func (c *Control) CreateVpcConnector(ctx context.Context, caller api.Caller, in *api.CreateVpcConnectorRequest) (*api.CreateVpcConnectorResponse, error) {
	if err := checkConnector(in); err != nil {
		return nil, err
	}
	arn := newARN(caller, api.ResourceVpcConnector, in.VpcConnectorName, 1)
	r := store.Resource[api.VpcConnector]{ARN: arn, Record: api.VpcConnector{
		VpcConnectorName:     &in.VpcConnectorName,
		VpcConnectorArn:      new(arn.String()),
		VpcConnectorRevision: &arn.Revision,
		Subnets:              in.Subnets,
		SecurityGroups:       in.SecurityGroups,
		Status:               new(api.VpcConnectorActive),
		CreatedAt:            new(api.At(time.Now())),
	}}
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if err := unusedName(tx, arn); err != nil {
			return err
		}
		if err := c.roomFor(tx, arn, "vpc-connectors", "VPC connectors"); err != nil {
			return err
		}
		return errors.Join(store.PutResource(tx, r), putTags(tx, arn.String(), in.Tags))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateVpcConnectorResponse{VpcConnector: &r.Record}, nil
}

func checkConnector(in *api.CreateVpcConnectorRequest) error {
	if len(in.Subnets) == 0 {
		return api.InvalidRequest("Subnets is empty. Give the ID of at least one subnet.")
	}
	if err := checkIDs("Subnets", "subnet", in.Subnets); err != nil {
		return err
	}
	if err := checkIDs("SecurityGroups", "sg", in.SecurityGroups); err != nil {
		return err
	}
	return checkTags(in.Tags)
}

// checkIDs wants every one of the member's values to be an id of the kind, and none twice.
func checkIDs(member, kind string, ids []string) error {
	seen := map[string]bool{}
	for _, id := range ids {
		if err := checkID(member, kind, id); err != nil {
			return err
		}
		if seen[id] {
			return api.InvalidRequest("%s has %s twice. Give it once.", member, id)
		}
		seen[id] = true
	}
	return nil
}

// idRest is wider than what EC2 gives out, which is hex digits alone: there is no EC2 behind these ids, and whoever runs
// apron may name networks as they like.
var idRest = compiled(`^-[A-Za-z0-9-]{1,64}$`)

func checkID(member, kind, id string) error {
	if rest, ok := strings.CutPrefix(id, kind); !ok || !idRest().MatchString(rest) {
		return api.InvalidRequest("%s has %.80q, which is no ID of the form %s-0123456789abcdef0. Correct it.", member, id, kind)
	}
	return nil
}

// DescribeVpcConnector tells all there is to know of a VPC connector, also of one deleted within the last hour.
func (c *Control) DescribeVpcConnector(ctx context.Context, caller api.Caller, in *api.DescribeVpcConnectorRequest) (*api.DescribeVpcConnectorResponse, error) {
	var r store.Resource[api.VpcConnector]
	err := c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = find[api.VpcConnector](tx, caller, api.ResourceVpcConnector, in.VpcConnectorArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeVpcConnectorResponse{VpcConnector: &r.Record}, nil
}

// ListVpcConnectors lists the caller's active VPC connectors, oldest first and in full.
func (c *Control) ListVpcConnectors(ctx context.Context, caller api.Caller, in *api.ListVpcConnectorsRequest) (*api.ListVpcConnectorsResponse, error) {
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListVpcConnectors")
	if err != nil {
		return nil, err
	}
	list := store.ResourceList{
		Account: caller.Account, Region: caller.Region, Kind: api.ResourceVpcConnector,
		After: page.after, Limit: page.fetch(),
	}
	var rows []store.Row[store.Resource[api.VpcConnector]]
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = store.Resources[api.VpcConnector](tx, list)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListVpcConnectorsResponse{VpcConnectors: []api.VpcConnector{}}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		out.VpcConnectors = append(out.VpcConnectors, row.Record.Record)
	}
	return out, nil
}

// DeleteVpcConnector makes a VPC connector that no service uses INACTIVE; it can be described for an hour.
func (c *Control) DeleteVpcConnector(ctx context.Context, caller api.Caller, in *api.DeleteVpcConnectorRequest) (*api.DeleteVpcConnectorResponse, error) {
	var r store.Resource[api.VpcConnector]
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = findLive[api.VpcConnector](tx, caller, api.ResourceVpcConnector, in.VpcConnectorArn); err != nil {
			return err
		}
		used, err := tx.InUse(r.ARN.String())
		if err != nil {
			return err
		}
		if used { // App Runner's own text, with its two spaces
			return api.InvalidRequest("Provided VPC connector arn is being used by other services. ARN:  %s", r.ARN)
		}
		now := api.At(time.Now())
		r.Record.Status, r.Record.DeletedAt, r.Deleted = new(api.VpcConnectorInactive), &now, &now
		return store.PutResource(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteVpcConnectorResponse{VpcConnector: &r.Record}, nil
}

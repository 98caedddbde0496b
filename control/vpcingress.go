package control

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"apron/api"
	"apron/store"
)

// CreateVpcIngressConnection gives a private service a host name inside a VPC. The connection becomes AVAILABLE by itself.
// Nothing routes that name to the service yet (docs/divergences.md).
func (c *Control) CreateVpcIngressConnection(ctx context.Context, caller api.Caller, in *api.CreateVpcIngressConnectionRequest) (*api.CreateVpcIngressConnectionResponse, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkEndpoint(in.IngressVpcConfiguration); err != nil {
		return nil, err
	}
	r := c.newIngress(caller, in)
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if err := c.roomForIngress(tx, caller, r); err != nil {
			return err
		}
		return errors.Join(store.PutResource(tx, r), putTags(tx, r.ARN.String(), in.Tags))
	})
	if err != nil {
		return nil, err
	}
	c.cfg.Settle()
	return &api.CreateVpcIngressConnectionResponse{VpcIngressConnection: &r.Record}, nil
}

func (c *Control) newIngress(caller api.Caller, in *api.CreateVpcIngressConnectionRequest) store.Resource[api.VpcIngressConnection] {
	arn := newARN(caller, api.ResourceVpcIngressConnection, in.VpcIngressConnectionName, 0)
	host, _, _ := strings.Cut(c.cfg.Host(newLabel(), caller.Region), ":") // the port is the public edge's
	return store.Resource[api.VpcIngressConnection]{ARN: arn, Service: in.ServiceArn, Moving: true, Record: api.VpcIngressConnection{
		VpcIngressConnectionArn:  new(arn.String()),
		VpcIngressConnectionName: &in.VpcIngressConnectionName,
		ServiceArn:               &in.ServiceArn,
		Status:                   new(api.VpcIngressConnectionPendingCreation),
		AccountId:                &caller.Account,
		DomainName:               &host,
		IngressVpcConfiguration:  in.IngressVpcConfiguration,
		CreatedAt:                new(api.At(time.Now())),
	}}
}

// roomForIngress lets a service of the right kind and status have the new connection, if its quota allows it.
func (c *Control) roomForIngress(tx *store.Tx, caller api.Caller, r store.Resource[api.VpcIngressConnection]) error {
	svc, err := allow(tx, caller, "CreateVpcIngressConnection", r.Service)
	if err != nil {
		return err
	}
	if !closedToPublic(&svc) {
		return api.InvalidState("Service %s can't get a VPC ingress connection: it is publicly accessible. Set IngressConfiguration.IsPubliclyAccessible to false with UpdateService.",
			r.Service)
	}
	if err := unusedName(tx, r.ARN); err != nil {
		return err
	}
	have, err := ingressesOf(tx, &svc)
	if err != nil {
		return err
	}
	return c.underQuota("vpc-ingress-connections-per-service", len(have), "VPC ingress connections of service "+svc.ServiceName)
}

// checkEndpoint wants both of the IDs, which the model leaves optional: a connection means nothing without them.
func checkEndpoint(in *api.IngressVpcConfiguration) error {
	if in.VpcId == nil || in.VpcEndpointId == nil {
		return api.InvalidRequest("IngressVpcConfiguration lacks the VpcId or the VpcEndpointId. Give both.")
	}
	if err := checkID("VpcId", "vpc", *in.VpcId); err != nil {
		return err
	}
	return checkID("VpcEndpointId", "vpce", *in.VpcEndpointId)
}

// DescribeVpcIngressConnection tells all there is to know of a VPC ingress connection, also of one deleted within the last
// hour.
func (c *Control) DescribeVpcIngressConnection(ctx context.Context, caller api.Caller, in *api.DescribeVpcIngressConnectionRequest) (*api.DescribeVpcIngressConnectionResponse, error) {
	var r store.Resource[api.VpcIngressConnection]
	err := c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = find[api.VpcIngressConnection](tx, caller, api.ResourceVpcIngressConnection, in.VpcIngressConnectionArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeVpcIngressConnectionResponse{VpcIngressConnection: &r.Record}, nil
}

// ListVpcIngressConnections lists the caller's VPC ingress connections, oldest first and by their ARNs alone: all of them,
// or those of a service, of a VPC endpoint, or of both.
func (c *Control) ListVpcIngressConnections(ctx context.Context, caller api.Caller, in *api.ListVpcIngressConnectionsRequest) (*api.ListVpcIngressConnectionsResponse, error) {
	filter := cmp.Or(in.Filter, &api.ListVpcIngressConnectionsFilter{})
	if err := checkFilter(caller, filter); err != nil {
		return nil, err
	}
	service, endpoint := *cmp.Or(filter.ServiceArn, new("")), *cmp.Or(filter.VpcEndpointId, new(""))
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListVpcIngressConnections", service, endpoint)
	if err != nil {
		return nil, err
	}
	list := store.ResourceList{
		Account: caller.Account, Region: caller.Region, Kind: api.ResourceVpcIngressConnection,
		Service: service, After: page.after, Limit: page.fetch(),
	}
	if endpoint != "" {
		list.Limit = -1 // the store does not know endpoints
	}
	var rows []store.Row[store.Resource[api.VpcIngressConnection]]
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = store.Resources[api.VpcIngressConnection](tx, list)
		return err
	})
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row store.Row[store.Resource[api.VpcIngressConnection]]) bool {
		return endpoint != "" && *row.Record.Record.IngressVpcConfiguration.VpcEndpointId != endpoint
	})
	out := &api.ListVpcIngressConnectionsResponse{VpcIngressConnectionSummaryList: []api.VpcIngressConnectionSummary{}}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		in := row.Record.Record
		out.VpcIngressConnectionSummaryList = append(out.VpcIngressConnectionSummaryList,
			api.VpcIngressConnectionSummary{VpcIngressConnectionArn: in.VpcIngressConnectionArn, ServiceArn: in.ServiceArn})
	}
	return out, nil
}

// checkFilter refuses what can select nothing; a service or endpoint that has no connection is no error.
func checkFilter(caller api.Caller, filter *api.ListVpcIngressConnectionsFilter) error {
	if filter.VpcEndpointId != nil {
		if err := checkID("VpcEndpointId", "vpce", *filter.VpcEndpointId); err != nil {
			return err
		}
	}
	if filter.ServiceArn == nil {
		return nil
	}
	arn, err := api.ParseARN(*filter.ServiceArn, api.ResourceService)
	if err != nil {
		return err
	}
	return arn.CheckOwner(caller)
}

// UpdateVpcIngressConnection moves the connection to another VPC or endpoint; the ID that is not given stays, and so does
// its host name.
func (c *Control) UpdateVpcIngressConnection(ctx context.Context, caller api.Caller, in *api.UpdateVpcIngressConnectionRequest) (*api.UpdateVpcIngressConnectionResponse, error) {
	r, err := c.changeIngress(ctx, caller, in.VpcIngressConnectionArn, updateIngress, func(record *api.VpcIngressConnection) error {
		over(&record.IngressVpcConfiguration.VpcId, in.IngressVpcConfiguration.VpcId)
		over(&record.IngressVpcConfiguration.VpcEndpointId, in.IngressVpcConfiguration.VpcEndpointId)
		return checkEndpoint(record.IngressVpcConfiguration)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateVpcIngressConnectionResponse{VpcIngressConnection: r}, nil
}

// DeleteVpcIngressConnection removes the connection; it can be described as DELETED for an hour.
func (c *Control) DeleteVpcIngressConnection(ctx context.Context, caller api.Caller, in *api.DeleteVpcIngressConnectionRequest) (*api.DeleteVpcIngressConnectionResponse, error) {
	r, err := c.changeIngress(ctx, caller, in.VpcIngressConnectionArn, deleteIngress, func(*api.VpcIngressConnection) error { return nil })
	if err != nil {
		return nil, err
	}
	return &api.DeleteVpcIngressConnectionResponse{VpcIngressConnection: r}, nil
}

// changeIngress begins an action that its rule allows, and returns the connection as the reply shows it.
func (c *Control) changeIngress(ctx context.Context, caller api.Caller, arn string, rule ingressRule,
	change func(*api.VpcIngressConnection) error) (*api.VpcIngressConnection, error) {
	var r store.Resource[api.VpcIngressConnection]
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = findLive[api.VpcIngressConnection](tx, caller, api.ResourceVpcIngressConnection, arn); err != nil {
			return err
		}
		if err := rule.enter(&r); err != nil {
			return err
		}
		if err := change(&r.Record); err != nil {
			return err
		}
		return store.PutResource(tx, r)
	})
	if err != nil {
		return nil, err
	}
	c.cfg.Settle()
	return &r.Record, nil
}

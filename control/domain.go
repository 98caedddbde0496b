package control

import (
	"context"
	"errors"
	"net"

	"apron/api"
	"apron/store"
)

// AssociateCustomDomain lets a domain lead to the service, once its owner has proved that it is theirs. The reply has no
// validation records: operation makes them right after it, and DescribeCustomDomains shows them.
func (c *Control) AssociateCustomDomain(ctx context.Context, caller api.Caller, in *api.AssociateCustomDomainRequest) (*api.AssociateCustomDomainResponse, error) {
	domain, err := c.newDomain(in)
	if err != nil {
		return nil, err
	}
	out := &api.AssociateCustomDomainResponse{ServiceArn: in.ServiceArn, CustomDomain: &domain}
	err = c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		svc, err := allow(tx, caller, "AssociateCustomDomain", in.ServiceArn)
		if err != nil {
			return err
		}
		if err := c.roomForDomain(tx, caller, svc, domain); err != nil {
			return err
		}
		out.DNSTarget = dnsTarget(&svc)
		out.VpcDNSTargets, err = vpcTargets(tx, caller, in.ServiceArn)
		return errors.Join(err, tx.PutDomain(store.Domain{Service: in.ServiceArn, Domain: domain, Moving: true}))
	})
	if err != nil {
		return nil, err
	}
	c.cfg.Settle()
	return out, nil
}

// roomForDomain refuses a domain that leads somewhere already, and one too many of the service. Copilot takes the first
// for success when it is the same service, so that comes first.
func (c *Control) roomForDomain(tx *store.Tx, caller api.Caller, s api.Service, domain api.CustomDomain) error {
	for _, host := range hosts(domain) {
		holder, err := holderOf(tx, host)
		if err == nil {
			return associated(caller, host, holder)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	have, err := tx.Domains(s.ServiceArn, 0, -1)
	if err != nil {
		return err
	}
	return c.underQuota("custom-domains-per-service", len(have), "custom domains of service "+s.ServiceName)
}

// associated has App Runner's own words up to "with"; Copilot looks for them. Whose service it is stays between the owner
// and us.
func associated(caller api.Caller, host string, holder store.Domain) error {
	arn, err := api.ParseARN(holder.Service, api.ResourceService)
	if err == nil && arn.CheckOwner(caller) == nil {
		return api.InvalidRequest("%s is already associated with service %s. Disassociate %s from it first, or choose another domain.",
			host, holder.Service, holder.Domain.DomainName)
	}
	return api.InvalidRequest("%s is already associated with another service. Choose another domain.", host)
}

// DescribeCustomDomains lists the service's custom domains, oldest first, with what their DNS records have to be.
func (c *Control) DescribeCustomDomains(ctx context.Context, caller api.Caller, in *api.DescribeCustomDomainsRequest) (*api.DescribeCustomDomainsResponse, error) {
	page, err := c.page(caller, in.NextToken, in.MaxResults, "DescribeCustomDomains", in.ServiceArn)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeCustomDomainsResponse{ServiceArn: in.ServiceArn}
	var rows []store.Row[store.Domain]
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) error {
		svc, err := allow(tx, caller, "DescribeCustomDomains", in.ServiceArn)
		if err != nil {
			return err
		}
		out.DNSTarget = dnsTarget(&svc)
		if out.VpcDNSTargets, err = vpcTargets(tx, caller, in.ServiceArn); err != nil {
			return err
		}
		rows, err = tx.Domains(in.ServiceArn, page.after, page.fetch())
		return err
	})
	if err != nil {
		return nil, err
	}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		out.CustomDomains = append(out.CustomDomains, row.Record.Domain)
	}
	return out, nil
}

// DisassociateCustomDomain takes a domain from the service. It is shown as deleting, with its validation records, until
// operation has forgotten it, which is when another service can have it. Once more in between changes nothing.
func (c *Control) DisassociateCustomDomain(ctx context.Context, caller api.Caller, in *api.DisassociateCustomDomainRequest) (*api.DisassociateCustomDomainResponse, error) {
	out := &api.DisassociateCustomDomainResponse{ServiceArn: in.ServiceArn}
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		svc, err := allow(tx, caller, "DisassociateCustomDomain", in.ServiceArn)
		if err != nil {
			return err
		}
		d, err := tx.Domain(normalDomain(in.DomainName))
		if errors.Is(err, store.ErrNotFound) || err == nil && d.Service != in.ServiceArn {
			return noDomain(in.DomainName)
		}
		if err != nil {
			return err
		}
		d.Domain.Status, d.Moving = api.CustomDomainDeleting, true
		out.CustomDomain, out.DNSTarget = &d.Domain, dnsTarget(&svc)
		out.VpcDNSTargets, err = vpcTargets(tx, caller, in.ServiceArn)
		return errors.Join(err, tx.PutDomain(d))
	})
	if err != nil {
		return nil, err
	}
	c.cfg.Settle()
	return out, nil
}

// noDomain has App Runner's own words up to "service"; Copilot looks for them.
func noDomain(name string) error {
	return api.NotFound("No custom domain %s found for the provided service. Describe the service's custom domains to see their names.", name)
}

// dnsTarget is the host name that records of custom domains point to: the service's own, without a port.
func dnsTarget(s *api.Service) string {
	if s.ServiceUrl == nil {
		return ""
	}
	if host, _, err := net.SplitHostPort(*s.ServiceUrl); err == nil {
		return host
	}
	return *s.ServiceUrl
}

// vpcTargets are what the records point to inside the VPCs that the service has an ingress connection to.
func vpcTargets(tx *store.Tx, caller api.Caller, service string) ([]api.VpcDNSTarget, error) {
	rows, err := store.Resources[api.VpcIngressConnection](tx, store.ResourceList{
		Account: caller.Account, Region: caller.Region, Kind: api.ResourceVpcIngressConnection, Service: service, Limit: -1,
	})
	var targets []api.VpcDNSTarget
	for _, row := range rows {
		connection := row.Record.Record
		target := api.VpcDNSTarget{VpcIngressConnectionArn: connection.VpcIngressConnectionArn, DomainName: connection.DomainName}
		if vpc := connection.IngressVpcConfiguration; vpc != nil {
			target.VpcId = vpc.VpcId
		}
		targets = append(targets, target)
	}
	return targets, err
}

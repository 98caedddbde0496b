package control

import (
	"slices"
	"strings"

	"apron/api"
	"apron/store"
)

// ingressRule says when an action on a VPC ingress connection may begin, and the status that it begins with. The worker
// takes the connection on from there by itself (operation's arrivals).
type ingressRule struct {
	verb  string
	from  []api.VpcIngressConnectionStatus
	begin api.VpcIngressConnectionStatus
}

// What may be done to a VPC ingress connection, as the model says of each action. One that is DELETED is not found.
var (
	updateIngress = ingressRule{
		verb: "update",
		from: []api.VpcIngressConnectionStatus{
			api.VpcIngressConnectionAvailable, api.VpcIngressConnectionFailedCreation, api.VpcIngressConnectionFailedUpdate,
		},
		begin: api.VpcIngressConnectionPendingUpdate,
	}
	deleteIngress = ingressRule{
		verb: "delete",
		from: []api.VpcIngressConnectionStatus{
			api.VpcIngressConnectionAvailable, api.VpcIngressConnectionFailedCreation, api.VpcIngressConnectionFailedUpdate,
			api.VpcIngressConnectionFailedDeletion,
		},
		begin: api.VpcIngressConnectionPendingDeletion,
	}
)

// enter begins the action on the connection, or refuses it.
func (r ingressRule) enter(in *store.Resource[api.VpcIngressConnection]) error {
	if !slices.Contains(r.from, *in.Record.Status) {
		var from []string
		for _, status := range r.from {
			from = append(from, string(status))
		}
		return api.InvalidState("Can't %s the VPC ingress connection %s: its status is %s and must be one of %s. Describe it until its status is one of them.",
			r.verb, in.ARN, *in.Record.Status, strings.Join(from, ", "))
	}
	in.Record.Status, in.Moving = &r.begin, true
	return nil
}

func closedToPublic(s *api.Service) bool {
	return !*s.NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible
}

// withoutIngress refuses to delete a service that has a VPC ingress connection, unless that one is about to go.
func withoutIngress(tx *store.Tx, svc *store.Service, _ *store.Operation) error {
	in, err := ingressOf(tx, &svc.Service)
	if in == nil || err != nil {
		return err
	}
	// App Runner's own text.
	return api.InvalidState("You cannot delete a Service while it has VpcIngressConnections with a status of AVAILABLE. Service Arn: %s VpcIngressConnection Arn: %s",
		svc.Service.ServiceArn, in.ARN)
}

// staysPrivate refuses to open a service to the public that has a VPC ingress connection.
func staysPrivate(tx *store.Tx, s *api.Service) error {
	if closedToPublic(s) {
		return nil
	}
	in, err := ingressOf(tx, s)
	if in == nil || err != nil {
		return err
	}
	return api.InvalidState("Service %s can't become publicly accessible: it has the VPC ingress connection %s. Delete that first.", s.ServiceArn, in.ARN)
}

// ingressOf finds a VPC ingress connection of the service that is there to stay; nil if it has none.
func ingressOf(tx *store.Tx, s *api.Service) (*store.Resource[api.VpcIngressConnection], error) {
	rows, err := ingressesOf(tx, s)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if *row.Record.Record.Status != api.VpcIngressConnectionPendingDeletion {
			return &row.Record, nil
		}
	}
	return nil, nil
}

func ingressesOf(tx *store.Tx, s *api.Service) ([]store.Row[store.Resource[api.VpcIngressConnection]], error) {
	arn, err := api.ParseARN(s.ServiceArn, api.ResourceService)
	if err != nil {
		return nil, err
	}
	return store.Resources[api.VpcIngressConnection](tx, store.ResourceList{
		Account: arn.Account, Region: arn.Region, Kind: api.ResourceVpcIngressConnection, Service: s.ServiceArn, Limit: -1,
	})
}

package control_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/control"
	"apron/store"
)

// privately is a world with a control of its own, which counts how often it says that something has to settle.
type privately struct {
	*world
	control *control.Control
	settled int
}

func newPrivately(t *testing.T) *privately {
	t.Helper()
	p := &privately{world: newWorld(t)}
	p.control = control.New(control.Config{
		Log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
		Store:    p.store,
		Settle:   func() { p.settled++ },
		Host:     func(label, region string) string { return label + "." + region + ".apron.localhost:8080" },
		TokenKey: []byte("0123456789abcdef0123456789abcdef"), Quotas: control.DefaultQuotas(),
	})
	return p
}

// private makes a service that is not publicly accessible.
func (p *privately) private(t *testing.T, name string) string {
	t.Helper()
	arn := p.create(t, name).ServiceArn
	p.edit(t, arn, func(s *api.Service) { s.NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible = new(false) })
	return arn
}

func ingressRequest(service, name string) *api.CreateVpcIngressConnectionRequest {
	return &api.CreateVpcIngressConnectionRequest{
		ServiceArn: service, VpcIngressConnectionName: name,
		IngressVpcConfiguration: &api.IngressVpcConfiguration{VpcId: new("vpc-1"), VpcEndpointId: new("vpce-1")},
		Tags:                    []api.Tag{{Key: new("team"), Value: new("web")}},
	}
}

// ingress makes a VPC ingress connection for the service and brings it to rest.
func (p *privately) ingress(t *testing.T, service, name string) api.VpcIngressConnection {
	t.Helper()
	out, err := p.control.CreateVpcIngressConnection(t.Context(), caller, ingressRequest(service, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Validate(out); err != nil {
		t.Errorf("the reply breaks the model: %v", err)
	}
	p.arrive(t, *out.VpcIngressConnection.VpcIngressConnectionArn, api.VpcIngressConnectionAvailable)
	return *out.VpcIngressConnection
}

// arrive plays the worker that brings the connection to a status.
func (p *privately) arrive(t *testing.T, arn string, status api.VpcIngressConnectionStatus) {
	t.Helper()
	parsed, err := api.ParseARN(arn)
	if err != nil {
		t.Fatal(err)
	}
	err = p.store.Update(t.Context(), func(tx *store.Tx) error {
		r, err := store.FindResource[api.VpcIngressConnection](tx, parsed)
		if err != nil {
			return err
		}
		r.Record.Status, r.Moving = &status, false
		if status == api.VpcIngressConnectionDeleted {
			r.Deleted = new(api.At(time.Now()))
			r.Record.DeletedAt = r.Deleted
		}
		return store.PutResource(tx, r)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *privately) describe(t *testing.T, arn string) api.VpcIngressConnection {
	t.Helper()
	out, err := p.control.DescribeVpcIngressConnection(t.Context(), caller, &api.DescribeVpcIngressConnectionRequest{VpcIngressConnectionArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	return *out.VpcIngressConnection
}

func (p *privately) remove(t *testing.T, arn string) (*api.VpcIngressConnection, error) {
	out, err := p.control.DeleteVpcIngressConnection(t.Context(), caller, &api.DeleteVpcIngressConnectionRequest{VpcIngressConnectionArn: arn})
	if err != nil {
		return nil, err
	}
	return out.VpcIngressConnection, nil
}

func (p *privately) move(t *testing.T, arn string, to api.IngressVpcConfiguration) (*api.VpcIngressConnection, error) {
	out, err := p.control.UpdateVpcIngressConnection(t.Context(), caller,
		&api.UpdateVpcIngressConnectionRequest{VpcIngressConnectionArn: arn, IngressVpcConfiguration: &to})
	if err != nil {
		return nil, err
	}
	return out.VpcIngressConnection, nil
}

func (p *privately) list(t *testing.T, filter *api.ListVpcIngressConnectionsFilter) (arns []string) {
	t.Helper()
	out, err := p.control.ListVpcIngressConnections(t.Context(), caller, &api.ListVpcIngressConnectionsRequest{Filter: filter})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out.VpcIngressConnectionSummaryList {
		arns = append(arns, *c.VpcIngressConnectionArn)
	}
	return arns
}

func TestCreateVpcIngressConnection_IsOnItsWay(t *testing.T) {
	p := newPrivately(t)
	service := p.private(t, "web-app")
	in := p.ingress(t, service, "private-web")
	if *in.Status != api.VpcIngressConnectionPendingCreation || *in.AccountId != caller.Account || *in.ServiceArn != service || p.settled != 1 {
		t.Errorf("connection = %+v, settled %d times", in, p.settled)
	}
	if !strings.HasSuffix(*in.DomainName, ".us-east-1.apron.localhost") {
		t.Errorf("its host name is %s; want one of the region, without a port", *in.DomainName)
	}
	if got := p.describe(t, *in.VpcIngressConnectionArn); *got.Status != api.VpcIngressConnectionAvailable || *got.IngressVpcConfiguration.VpcEndpointId != "vpce-1" {
		t.Errorf("described as %+v", got)
	}
	tags, err := p.ListTagsForResource(t.Context(), caller, &api.ListTagsForResourceRequest{ResourceArn: *in.VpcIngressConnectionArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags = %+v, %v", tags, err)
	}
}

func TestCreateVpcIngressConnection_Refuses(t *testing.T) {
	p := newPrivately(t)
	first, second, public := p.private(t, "first"), p.private(t, "second"), p.create(t, "public").ServiceArn
	gone := p.private(t, "gone")
	p.end(t, gone)
	p.ingress(t, first, "private-web")
	for name, tt := range map[string]struct {
		change func(*api.CreateVpcIngressConnectionRequest)
		kind   api.Kind
		part   string
	}{
		"a public service":   {func(in *api.CreateVpcIngressConnectionRequest) { in.ServiceArn = public }, api.KindInvalidState, "it is publicly accessible"},
		"an unknown service": {func(in *api.CreateVpcIngressConnectionRequest) { in.ServiceArn = second[:len(second)-4] + "0000" }, api.KindNotFound, "No service with the ARN"},
		"a deleted service":  {func(in *api.CreateVpcIngressConnectionRequest) { in.ServiceArn = gone }, api.KindNotFound, "is deleted"},
		"no ARN of a service": {func(in *api.CreateVpcIngressConnectionRequest) {
			in.ServiceArn = strings.Replace(second, ":service", ":connection", 1)
		}, api.KindInvalidRequest, "names a connection"},
		"another's service": {func(in *api.CreateVpcIngressConnectionRequest) {
			in.ServiceArn = strings.Replace(second, caller.Account, "210987654321", 1)
		}, api.KindInvalidRequest, "belongs to account"},
		"a second one":         {func(in *api.CreateVpcIngressConnectionRequest) { in.ServiceArn = first }, api.KindQuotaExceeded, "There are 1 VPC ingress connections of service first already"},
		"a name that is taken": {func(in *api.CreateVpcIngressConnectionRequest) { in.VpcIngressConnectionName = "private-web" }, api.KindInvalidRequest, "There is a VPC ingress connection named private-web already"},
		"no VPC":               {func(in *api.CreateVpcIngressConnectionRequest) { in.IngressVpcConfiguration.VpcId = nil }, api.KindInvalidRequest, "lacks the VpcId or the VpcEndpointId"},
		"no endpoint":          {func(in *api.CreateVpcIngressConnectionRequest) { in.IngressVpcConfiguration.VpcEndpointId = nil }, api.KindInvalidRequest, "lacks the VpcId or the VpcEndpointId"},
		"no id of a VPC":       {func(in *api.CreateVpcIngressConnectionRequest) { in.IngressVpcConfiguration.VpcId = new("vpce-1") }, api.KindInvalidRequest, `VpcId has "vpce-1", which is no ID of the form vpc-`},
		"no id of an endpoint": {func(in *api.CreateVpcIngressConnectionRequest) {
			in.IngressVpcConfiguration.VpcEndpointId = new("vpc-1")
		}, api.KindInvalidRequest, `VpcEndpointId has "vpc-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			in := ingressRequest(second, "another")
			tt.change(in)
			_, err := p.control.CreateVpcIngressConnection(t.Context(), caller, in)
			wantKind(t, err, tt.kind, tt.part)
			if list := p.list(t, nil); len(list) != 1 || p.settled != 1 {
				t.Errorf("something was made: %v, settled %d times", list, p.settled)
			}
		})
	}
}

func TestUpdateVpcIngressConnection_KeepsWhatIsNotGiven(t *testing.T) {
	p := newPrivately(t)
	arn := *p.ingress(t, p.private(t, "web-app"), "private-web").VpcIngressConnectionArn
	in, err := p.move(t, arn, api.IngressVpcConfiguration{VpcEndpointId: new("vpce-2")})
	if err != nil || *in.Status != api.VpcIngressConnectionPendingUpdate || *in.IngressVpcConfiguration.VpcEndpointId != "vpce-2" ||
		*in.IngressVpcConfiguration.VpcId != "vpc-1" || p.settled != 2 {
		t.Fatalf("update = %+v, %v; settled %d times", in, err, p.settled)
	}
	_, err = p.move(t, arn, api.IngressVpcConfiguration{VpcId: new("vpc-2")})
	wantKind(t, err, api.KindInvalidState, "its status is PENDING_UPDATE and must be one of AVAILABLE, FAILED_CREATION, FAILED_UPDATE")
	p.arrive(t, arn, api.VpcIngressConnectionFailedUpdate)
	_, err = p.move(t, arn, api.IngressVpcConfiguration{VpcId: new("subnet-2")})
	wantKind(t, err, api.KindInvalidRequest, "VpcId")
	if got := p.describe(t, arn); *got.Status != api.VpcIngressConnectionFailedUpdate || *got.IngressVpcConfiguration.VpcId != "vpc-1" {
		t.Errorf("a refused update left %+v", got)
	}
}

func TestDeleteVpcIngressConnection_StaysDescribable(t *testing.T) {
	p := newPrivately(t)
	service := p.private(t, "web-app")
	arn := *p.ingress(t, service, "private-web").VpcIngressConnectionArn
	in, err := p.remove(t, arn)
	if err != nil || *in.Status != api.VpcIngressConnectionPendingDeletion || p.settled != 2 {
		t.Fatalf("delete = %+v, %v; settled %d times", in, err, p.settled)
	}
	_, err = p.remove(t, arn)
	wantKind(t, err, api.KindInvalidState, "its status is PENDING_DELETION")
	p.arrive(t, arn, api.VpcIngressConnectionDeleted)
	if got := p.describe(t, arn); *got.Status != api.VpcIngressConnectionDeleted || got.DeletedAt == nil {
		t.Errorf("described as %+v", got)
	}
	_, err = p.remove(t, arn)
	wantKind(t, err, api.KindNotFound, "is deleted")
	wantList(t, p.list(t, nil))
	if again := p.ingress(t, service, "private-web"); *again.VpcIngressConnectionArn == arn {
		t.Error("a new connection has the ARN of the deleted one")
	}
}

func TestListVpcIngressConnections_Filters(t *testing.T) {
	p := newPrivately(t)
	one, two, none := p.private(t, "one-app"), p.private(t, "two-app"), p.private(t, "none-app")
	first, second := *p.ingress(t, one, "first").VpcIngressConnectionArn, *p.ingress(t, two, "second").VpcIngressConnectionArn
	if _, err := p.move(t, second, api.IngressVpcConfiguration{VpcEndpointId: new("vpce-2")}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		filter *api.ListVpcIngressConnectionsFilter
		want   []string
	}{
		"none":               {nil, []string{first, second}},
		"empty":              {&api.ListVpcIngressConnectionsFilter{}, []string{first, second}},
		"a service":          {&api.ListVpcIngressConnectionsFilter{ServiceArn: &two}, []string{second}},
		"an endpoint":        {&api.ListVpcIngressConnectionsFilter{VpcEndpointId: new("vpce-1")}, []string{first}},
		"both":               {&api.ListVpcIngressConnectionsFilter{ServiceArn: &two, VpcEndpointId: new("vpce-2")}, []string{second}},
		"both, of different": {&api.ListVpcIngressConnectionsFilter{ServiceArn: &one, VpcEndpointId: new("vpce-2")}, nil},
		"without connection": {&api.ListVpcIngressConnectionsFilter{ServiceArn: &none}, nil},
	} {
		t.Run(name, func(t *testing.T) { wantList(t, p.list(t, tt.filter), tt.want...) })
	}
	_, err := p.control.ListVpcIngressConnections(t.Context(), caller,
		&api.ListVpcIngressConnectionsRequest{Filter: &api.ListVpcIngressConnectionsFilter{ServiceArn: new("one-app")}})
	wantKind(t, err, api.KindInvalidRequest, "malformed")
}

func TestListVpcIngressConnections_PagesOfOneFilter(t *testing.T) {
	p := newPrivately(t)
	first := *p.ingress(t, p.private(t, "one-app"), "first").VpcIngressConnectionArn
	second := *p.ingress(t, p.private(t, "two-app"), "second").VpcIngressConnectionArn
	filter := &api.ListVpcIngressConnectionsFilter{VpcEndpointId: new("vpce-1")}
	page := func(token *string, filter *api.ListVpcIngressConnectionsFilter) (arn string, next *string, err error) {
		out, err := p.control.ListVpcIngressConnections(t.Context(), caller,
			&api.ListVpcIngressConnectionsRequest{Filter: filter, MaxResults: new(1), NextToken: token})
		if err != nil {
			return "", nil, err
		}
		return *out.VpcIngressConnectionSummaryList[0].VpcIngressConnectionArn, out.NextToken, nil
	}
	arn, next, err := page(nil, filter)
	if err != nil || arn != first || next == nil {
		t.Fatalf("first page has %s, %v; want %s and a token", arn, err, first)
	}
	_, _, err = page(next, nil)
	wantKind(t, err, api.KindInvalidRequest, "NextToken")
	if arn, next, err = page(next, filter); err != nil || arn != second || next != nil {
		t.Errorf("last page has %s, %v, token %v; want %s alone", arn, err, next, second)
	}
}

func TestServices_WithAVpcIngressConnection(t *testing.T) {
	p := newPrivately(t)
	service := p.private(t, "web-app")
	arn := *p.ingress(t, service, "private-web").VpcIngressConnectionArn
	remove := func() error {
		_, err := p.DeleteService(t.Context(), caller, &api.DeleteServiceRequest{ServiceArn: service})
		return err
	}
	for _, status := range []api.VpcIngressConnectionStatus{
		api.VpcIngressConnectionPendingCreation, api.VpcIngressConnectionFailedDeletion, api.VpcIngressConnectionAvailable,
	} {
		p.arrive(t, arn, status)
		wantKind(t, remove(), api.KindInvalidState, "You cannot delete a Service while it has VpcIngressConnections with a status of AVAILABLE. "+
			"Service Arn: "+service+" VpcIngressConnection Arn: "+arn)
	}
	public := &api.NetworkConfiguration{IngressConfiguration: &api.IngressConfiguration{IsPubliclyAccessible: new(true)}}
	_, err := p.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{ServiceArn: service, NetworkConfiguration: public})
	wantKind(t, err, api.KindInvalidState, "can't become publicly accessible: it has the VPC ingress connection "+arn)
	if _, err := p.remove(t, arn); err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Errorf("once the connection is about to go: %v", err)
	}
}

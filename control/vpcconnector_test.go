package control_test

import (
	"fmt"
	"strings"
	"testing"

	"apron/api"
)

func (w *world) connector(t *testing.T, name string) api.VpcConnector {
	t.Helper()
	out, err := w.CreateVpcConnector(t.Context(), caller, &api.CreateVpcConnectorRequest{
		VpcConnectorName: name, Subnets: []string{"subnet-2", "subnet-1"}, Tags: []api.Tag{{Key: new("team"), Value: new("web")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Validate(out); err != nil {
		t.Errorf("the reply breaks the model: %v", err)
	}
	return *out.VpcConnector
}

func (w *world) connectors(t *testing.T) (list []string) {
	t.Helper()
	out, err := w.ListVpcConnectors(t.Context(), caller, &api.ListVpcConnectorsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out.VpcConnectors {
		list = append(list, fmt.Sprint(*c.VpcConnectorName, " ", *c.VpcConnectorRevision, " ", c.Subnets, c.SecurityGroups, " ", *c.Status))
	}
	return list
}

func (w *world) deleteConnector(t *testing.T, arn string) (*api.VpcConnector, error) {
	out, err := w.DeleteVpcConnector(t.Context(), caller, &api.DeleteVpcConnectorRequest{VpcConnectorArn: arn})
	if err != nil {
		return nil, err
	}
	return out.VpcConnector, nil
}

func TestCreateVpcConnector_IsActiveAtOnce(t *testing.T) {
	w := newWorld(t)
	c := w.connector(t, "vpc1")
	if !strings.Contains(*c.VpcConnectorArn, ":vpcconnector/vpc1/1/") || c.SecurityGroups != nil || c.DeletedAt != nil {
		t.Errorf("connector = %+v", c)
	}
	wantList(t, w.connectors(t), "vpc1 1 [subnet-2 subnet-1] [] ACTIVE")
	tags, err := w.ListTagsForResource(t.Context(), caller, &api.ListTagsForResourceRequest{ResourceArn: *c.VpcConnectorArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags = %+v, %v", tags, err)
	}
}

func TestCreateVpcConnector_Refuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*api.CreateVpcConnectorRequest)
		part   string
	}{
		"no subnet":             {func(in *api.CreateVpcConnectorRequest) { in.Subnets = []string{} }, "Subnets is empty"},
		"no id of a subnet":     {func(in *api.CreateVpcConnectorRequest) { in.Subnets = []string{"vpc-1"} }, `Subnets has "vpc-1", which is no ID of the form subnet-`},
		"nothing after it":      {func(in *api.CreateVpcConnectorRequest) { in.Subnets = []string{"subnet-"} }, "which is no ID"},
		"a line end":            {func(in *api.CreateVpcConnectorRequest) { in.Subnets = []string{"subnet-1\n"} }, "which is no ID"},
		"a subnet twice":        {func(in *api.CreateVpcConnectorRequest) { in.Subnets = []string{"subnet-1", "subnet-1"} }, "Subnets has subnet-1 twice"},
		"no id of a group":      {func(in *api.CreateVpcConnectorRequest) { in.SecurityGroups = []string{"default"} }, `SecurityGroups has "default"`},
		"a group twice":         {func(in *api.CreateVpcConnectorRequest) { in.SecurityGroups = []string{"sg-1", "sg-1"} }, "SecurityGroups has sg-1 twice"},
		"a tag that is unknown": {func(in *api.CreateVpcConnectorRequest) { in.Tags = []api.Tag{{Key: new("apron:x"), Value: new("1")}} }, "services alone have"},
		"a name that is taken":  {func(in *api.CreateVpcConnectorRequest) { in.VpcConnectorName = "vpc1" }, "There is a VPC connector named vpc1 already: arn:aws:"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.connector(t, "vpc1")
			in := &api.CreateVpcConnectorRequest{VpcConnectorName: "vpc2", Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}}
			tt.change(in)
			_, err := w.CreateVpcConnector(t.Context(), caller, in)
			wantKind(t, err, api.KindInvalidRequest, tt.part)
			wantList(t, w.connectors(t), "vpc1 1 [subnet-2 subnet-1] [] ACTIVE")
		})
	}
}

func TestCreateVpcConnector_KeepsTheQuota(t *testing.T) {
	w := newWorld(t)
	for i := range 10 {
		w.connector(t, fmt.Sprint("vpc-", i))
	}
	_, err := w.CreateVpcConnector(t.Context(), caller, &api.CreateVpcConnectorRequest{VpcConnectorName: "too-many", Subnets: []string{"subnet-1"}})
	wantKind(t, err, api.KindQuotaExceeded, "There are 10 VPC connectors in us-east-1 already")
}

func TestDeleteVpcConnector_StaysDescribable(t *testing.T) {
	w := newWorld(t)
	arn := *w.connector(t, "vpc1").VpcConnectorArn
	c, err := w.deleteConnector(t, arn)
	if err != nil || *c.Status != api.VpcConnectorInactive || c.DeletedAt == nil {
		t.Fatalf("delete = %+v, %v", c, err)
	}
	out, err := w.DescribeVpcConnector(t.Context(), caller, &api.DescribeVpcConnectorRequest{VpcConnectorArn: arn})
	if err != nil || *out.VpcConnector.Status != api.VpcConnectorInactive {
		t.Errorf("describe = %+v, %v", out, err)
	}
	wantList(t, w.connectors(t))
	_, err = w.deleteConnector(t, arn)
	wantKind(t, err, api.KindNotFound, "is deleted")
	if again := w.connector(t, "vpc1"); *again.VpcConnectorArn == arn || *again.VpcConnectorRevision != 1 {
		t.Errorf("the name's next connector is %s", *again.VpcConnectorArn)
	}
}

func TestDeleteVpcConnector_RefusesOneInUse(t *testing.T) {
	w := newWorld(t)
	arn, service := *w.connector(t, "vpc1").VpcConnectorArn, w.create(t, "web-app").ServiceArn
	w.edit(t, service, func(s *api.Service) {
		s.NetworkConfiguration.EgressConfiguration = &api.EgressConfiguration{EgressType: new(api.EgressVPC), VpcConnectorArn: &arn}
	})
	_, err := w.deleteConnector(t, arn)
	wantKind(t, err, api.KindInvalidRequest, "Provided VPC connector arn is being used by other services. ARN:  "+arn)
	w.end(t, service)
	if _, err := w.deleteConnector(t, arn); err != nil {
		t.Errorf("with its service deleted: %v", err)
	}
}

func TestVpcConnectorARNs_ThatLeadNowhere(t *testing.T) {
	w := newWorld(t)
	real := *w.connector(t, "vpc1").VpcConnectorArn
	for name, tt := range map[string]struct {
		arn  string
		kind api.Kind
	}{
		"without id":     {real[:strings.LastIndex(real, "/")], api.KindInvalidRequest},
		"other revision": {strings.Replace(real, "/1/", "/2/", 1), api.KindNotFound},
		"another region": {strings.Replace(real, "us-east-1", "eu-west-1", 1), api.KindInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.DescribeVpcConnector(t.Context(), caller, &api.DescribeVpcConnectorRequest{VpcConnectorArn: tt.arn})
			wantKind(t, err, tt.kind, "ARN")
			_, err = w.deleteConnector(t, tt.arn)
			wantKind(t, err, tt.kind, "ARN")
		})
	}
}

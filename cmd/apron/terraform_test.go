package main_test

import (
	"os/exec"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
)

// Terraform's waiters of a service; those of the other resources are where they are used.
var (
	terraformUp   = waiter{pending: []string{"OPERATION_IN_PROGRESS"}, target: []string{"RUNNING"}}
	terraformDown = waiter{pending: []string{"RUNNING", "OPERATION_IN_PROGRESS"}, gone: []string{"DELETED"}}
)

func terraformService(t tool) {
	svc := t.createService("hello:1")
	state := t.serviceState(svc.ServiceArn)
	t.through("OPERATION_IN_PROGRESS", "RUNNING")(terraformUp.wait(string(svc.Status), state))
	must(t.ListTagsForResource(t.Context(), &apprunner.ListTagsForResourceInput{ResourceArn: svc.ServiceArn}))(t)

	updated := must(t.UpdateService(t.Context(), &apprunner.UpdateServiceInput{
		ServiceArn: svc.ServiceArn, SourceConfiguration: source("hello:1", map[string]string{"GREETING": "Good day"}),
	}))(t)
	t.through("OPERATION_IN_PROGRESS", "RUNNING")(terraformUp.wait(string(updated.Service.Status), state))

	gone := must(t.DeleteService(t.Context(), &apprunner.DeleteServiceInput{ServiceArn: svc.ServiceArn}))(t)
	t.through("OPERATION_IN_PROGRESS", "DELETED")(terraformDown.wait(string(gone.Service.Status), state))
}

func terraformServiceThatFails(t tool) {
	svc := t.createService(nowhere)
	t.failsWith("unexpected state CREATE_FAILED")(terraformUp.wait(string(svc.Status), t.serviceState(svc.ServiceArn)))
	// The next run replaces what it knows as tainted.
	gone := must(t.DeleteService(t.Context(), &apprunner.DeleteServiceInput{ServiceArn: svc.ServiceArn}))(t)
	t.through("OPERATION_IN_PROGRESS", "DELETED")(terraformDown.wait(string(gone.Service.Status), t.serviceState(svc.ServiceArn)))
	t.runService("hello:1")
}

func terraformDeployment(t tool) {
	svc := t.runService("hello:1")
	deployed := must(t.StartDeployment(t.Context(), &apprunner.StartDeploymentInput{ServiceArn: svc.ServiceArn}))(t)
	up := waiter{pending: []string{"PENDING", "IN_PROGRESS"}, target: []string{"SUCCEEDED"}, misses: 30}
	t.endsAs("SUCCEEDED")(up.wait("PENDING", t.operationState(svc.ServiceArn, deployed.OperationId)))
}

func terraformAutoScaling(t tool) {
	made := must(t.CreateAutoScalingConfiguration(t.Context(), &apprunner.CreateAutoScalingConfigurationInput{
		AutoScalingConfigurationName: aws.String("steady"),
	}))(t).AutoScalingConfiguration
	arn := made.AutoScalingConfigurationArn
	state := func() (string, error) {
		return stateOf(t.DescribeAutoScalingConfiguration(t.Context(), &apprunner.DescribeAutoScalingConfigurationInput{AutoScalingConfigurationArn: arn}))(
			func(out *apprunner.DescribeAutoScalingConfigurationOutput) string {
				return string(out.AutoScalingConfiguration.Status)
			})
	}
	t.through("active")(waiter{target: []string{"active"}}.wait(must(state())(t), state))

	// So it finds the default configuration, which its resource of that name sets.
	list := must(t.ListAutoScalingConfigurations(t.Context(), nil))(t).AutoScalingConfigurationSummaryList
	if !slices.ContainsFunc(list, func(s types.AutoScalingConfigurationSummary) bool {
		return s.Status == "active" && aws.ToBool(s.IsDefault)
	}) {
		t.Errorf("no active default in %v", list)
	}

	must(t.DeleteAutoScalingConfiguration(t.Context(), &apprunner.DeleteAutoScalingConfigurationInput{AutoScalingConfigurationArn: arn}))(t)
	t.through("inactive")(waiter{pending: []string{"active"}, gone: []string{"inactive"}}.wait(must(state())(t), state))
}

func terraformObservability(t tool) {
	made := must(t.CreateObservabilityConfiguration(t.Context(), &apprunner.CreateObservabilityConfigurationInput{
		ObservabilityConfigurationName: aws.String("tracing"),
		TraceConfiguration:             &types.TraceConfiguration{Vendor: types.TracingVendorAwsxray},
	}))(t).ObservabilityConfiguration
	arn := made.ObservabilityConfigurationArn
	state := func() (string, error) {
		return stateOf(t.DescribeObservabilityConfiguration(t.Context(), &apprunner.DescribeObservabilityConfigurationInput{ObservabilityConfigurationArn: arn}))(
			func(out *apprunner.DescribeObservabilityConfigurationOutput) string {
				return string(out.ObservabilityConfiguration.Status)
			})
	}
	t.through("ACTIVE")(waiter{target: []string{"ACTIVE"}}.wait(must(state())(t), state))
	must(t.DeleteObservabilityConfiguration(t.Context(), &apprunner.DeleteObservabilityConfigurationInput{ObservabilityConfigurationArn: arn}))(t)
	t.through("INACTIVE")(waiter{pending: []string{"ACTIVE"}, gone: []string{"INACTIVE"}}.wait(must(state())(t), state))
}

func terraformConnection(t tool) {
	c := must(t.CreateConnection(t.Context(), &apprunner.CreateConnectionInput{
		ConnectionName: aws.String("github"), ProviderType: types.ProviderTypeGithub,
	}))(t).Connection
	state := func() (string, error) {
		out, err := t.ListConnections(t.Context(), &apprunner.ListConnectionsInput{ConnectionName: c.ConnectionName})
		if err != nil || len(out.ConnectionSummaryList) == 0 {
			return missing, err
		}
		return string(out.ConnectionSummaryList[0].Status), nil
	}
	t.through("PENDING_HANDSHAKE")(waiter{target: []string{"PENDING_HANDSHAKE"}}.wait(string(c.Status), state))
	authorize := exec.CommandContext(t.Context(), t.platform.Bin, "connection", "authorize", "github", "--token-stdin", "--data", t.platform.Data)
	authorize.Stdin = strings.NewReader("a-token\n")
	if out, err := authorize.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.through("AVAILABLE")(waiter{target: []string{"AVAILABLE"}}.wait(must(state())(t), state))

	gone := must(t.DeleteConnection(t.Context(), &apprunner.DeleteConnectionInput{ConnectionArn: c.ConnectionArn}))(t).Connection
	down := waiter{pending: []string{"PENDING_HANDSHAKE", "AVAILABLE", "DELETED"}}
	t.through("DELETED", missing)(down.wait(string(gone.Status), state))
}

func terraformVpcConnector(t tool) {
	arn := must(t.CreateVpcConnector(t.Context(), &apprunner.CreateVpcConnectorInput{
		VpcConnectorName: aws.String("outside"), Subnets: []string{"subnet-0a1b2c3d"}, SecurityGroups: []string{"sg-0a1b2c3d"},
	}))(t).VpcConnector.VpcConnectorArn
	state := func() (string, error) {
		return stateOf(t.DescribeVpcConnector(t.Context(), &apprunner.DescribeVpcConnectorInput{VpcConnectorArn: arn}))(
			func(out *apprunner.DescribeVpcConnectorOutput) string { return string(out.VpcConnector.Status) })
	}
	t.through("ACTIVE")(waiter{target: []string{"ACTIVE"}}.wait(must(state())(t), state))
	must(t.DeleteVpcConnector(t.Context(), &apprunner.DeleteVpcConnectorInput{VpcConnectorArn: arn}))(t)
	t.through("INACTIVE")(waiter{pending: []string{"ACTIVE"}, gone: []string{"INACTIVE"}}.wait(must(state())(t), state))
}

func terraformIngressConnection(t tool) {
	svc := must(t.CreateService(t.Context(), &apprunner.CreateServiceInput{
		ServiceName: aws.String("inner-app"), SourceConfiguration: source("hello:1", nil),
		NetworkConfiguration: &types.NetworkConfiguration{IngressConfiguration: &types.IngressConfiguration{IsPubliclyAccessible: false}},
	}))(t).Service
	t.through("OPERATION_IN_PROGRESS", "RUNNING")(terraformUp.wait(string(svc.Status), t.serviceState(svc.ServiceArn)))

	made := must(t.CreateVpcIngressConnection(t.Context(), &apprunner.CreateVpcIngressConnectionInput{
		ServiceArn: svc.ServiceArn, VpcIngressConnectionName: aws.String("inside"),
		IngressVpcConfiguration: &types.IngressVpcConfiguration{VpcId: aws.String("vpc-0a1b2c3d"), VpcEndpointId: aws.String("vpce-0a1b2c3d")},
	}))(t).VpcIngressConnection
	arn := made.VpcIngressConnectionArn
	state := func() (string, error) {
		return stateOf(t.DescribeVpcIngressConnection(t.Context(), &apprunner.DescribeVpcIngressConnectionInput{VpcIngressConnectionArn: arn}))(
			func(out *apprunner.DescribeVpcIngressConnectionOutput) string {
				return string(out.VpcIngressConnection.Status)
			})
	}
	up := waiter{pending: []string{"PENDING_CREATION"}, target: []string{"AVAILABLE"}}
	t.through("PENDING_CREATION", "AVAILABLE")(up.wait(string(made.Status), state))

	gone := must(t.DeleteVpcIngressConnection(t.Context(), &apprunner.DeleteVpcIngressConnectionInput{VpcIngressConnectionArn: arn}))(t).VpcIngressConnection
	down := waiter{pending: []string{"AVAILABLE", "PENDING_DELETION"}, gone: []string{"DELETED"}}
	t.through("PENDING_DELETION", "DELETED")(down.wait(string(gone.Status), state))
}

func terraformCustomDomain(t tool) {
	const name = "terraform.example.com"
	arn := t.runService("hello:1").ServiceArn
	made := t.associate(arn, name)
	up := waiter{pending: []string{"creating"}, target: []string{"pending_certificate_dns_validation", "binding_certificate"}}
	t.through("creating", "pending_certificate_dns_validation")(up.wait(string(made.Status), t.domainState(arn, name)))

	gone := t.disassociate(arn, name)
	down := waiter{pending: []string{"active", "deleting"}}
	t.through("deleting", missing)(down.wait(string(gone.Status), t.domainState(arn, name)))
}

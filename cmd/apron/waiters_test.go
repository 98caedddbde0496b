package main_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// waiter is how a client waits for something, as its source code has it (App Runner API reference, section 12). Only the
// pauses between the polls are shorter, so that no state goes by unseen.
type waiter struct {
	pending []string
	target  []string // none: until it is gone
	gone    []string // states that the client takes for gone, beside not being found
	misses  int      // how many polls may find nothing where there is a target
}

const (
	waiterPoll  = 2 * time.Millisecond
	waiterLimit = time.Minute
)

// missing stands for what is not found.
const missing = "missing"

// wait polls until the target and returns the states on the way, beginning with the one that the client was answered. As
// Terraform does, it ends with an error at the first state that it does not know.
func (w waiter) wait(state string, poll func() (string, error)) (seen []string, err error) {
	misses := 0
	for deadline := time.Now().Add(waiterLimit); ; time.Sleep(waiterPoll) {
		if len(seen) == 0 || seen[len(seen)-1] != state {
			seen = append(seen, state)
		}
		lost := state == missing || slices.Contains(w.gone, state)
		if lost {
			misses++
		}
		switch {
		case slices.Contains(w.target, state), lost && len(w.target) == 0:
			return seen, nil
		case lost && misses > w.misses:
			return seen, fmt.Errorf("couldn't find resource (%v)", seen)
		case !lost && !slices.Contains(w.pending, state):
			return seen, fmt.Errorf("unexpected state %s, wanted %v (%v)", state, w.target, seen)
		case time.Now().After(deadline):
			return seen, fmt.Errorf("timeout while waiting for %v (%v)", w.target, seen)
		}
		if state, err = poll(); err != nil {
			return seen, err
		}
	}
}

// stateOf turns the answer of a Describe action into a state.
func stateOf[T any](out T, err error) func(func(T) string) (string, error) {
	return func(state func(T) string) (string, error) {
		if _, no := errors.AsType[*types.ResourceNotFoundException](err); no {
			return missing, nil
		}
		if err != nil {
			return "", err
		}
		return state(out), nil
	}
}

// tool is one tool's way of using the platform, in a region of its own.
type tool struct {
	*testing.T
	*apprunner.Client
	platform *aprontest.Platform
}

// TestWaiters plays the tools that wait for App Runner, each with its own rules, state by state.
func TestWaiters(t *testing.T) {
	p := servePlatform(t)
	for _, play := range []struct {
		name, region string
		do           func(tool)
	}{
		{"Terraform service", "us-east-1", terraformService},
		{"Terraform service that fails", "us-east-2", terraformServiceThatFails},
		{"Terraform deployment", "us-west-2", terraformDeployment},
		{"Terraform auto scaling", "eu-central-1", terraformAutoScaling},
		{"Terraform observability", "eu-central-1", terraformObservability},
		{"Terraform connection", "eu-central-1", terraformConnection},
		{"Terraform VPC connector", "eu-central-1", terraformVpcConnector},
		{"Terraform ingress connection", "eu-west-1", terraformIngressConnection},
		{"Terraform custom domain", "eu-west-2", terraformCustomDomain},
		{"CloudFormation service", "eu-west-3", cloudFormationService},
		{"deploy action", "ap-south-1", deployAction},
		{"Copilot operations", "ap-northeast-1", copilotOperations},
		{"Copilot custom domain", "ap-southeast-1", copilotCustomDomain},
	} {
		t.Run(play.name, func(t *testing.T) {
			t.Parallel()
			play.do(tool{t, p.ClientIn(play.region), p})
		})
	}
}

// must is what a call answered; the test ends when it failed.
func must[T any](v T, err error) func(tool) T {
	return func(t tool) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// through wants a wait to have gone exactly through these states.
func (t tool) through(want ...string) func([]string, error) {
	return func(seen []string, err error) {
		t.Helper()
		if err != nil || !slices.Equal(seen, want) {
			t.Fatalf("states = %v, %v; want %v", seen, err, want)
		}
	}
}

// endsAs wants the wait for an operation to have ended so. Whether anybody sees PENDING is a matter of time.
func (t tool) endsAs(want string) func([]string, error) {
	return func(seen []string, err error) {
		t.Helper()
		if err != nil || seen[len(seen)-1] != want {
			t.Fatalf("states = %v, %v; want %s at the end", seen, err, want)
		}
	}
}

// failsWith wants a wait to have ended with this error.
func (t tool) failsWith(want string) func([]string, error) {
	return func(seen []string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("states = %v, %v; want the error %q", seen, err, want)
		}
	}
}

// createService does so with a role, as most do: what is not there to be assumed must not fail with the text that
// Terraform takes for a role that is still on its way (App Runner API reference, section 4.2).
func (t tool) createService(image string) *types.Service {
	t.Helper()
	from := source(image, nil)
	from.AutoDeploymentsEnabled = new(false) // the tool says when
	return must(t.CreateService(t.Context(), &apprunner.CreateServiceInput{
		ServiceName:         aws.String("web-app"),
		SourceConfiguration: from,
		InstanceConfiguration: &types.InstanceConfiguration{
			Cpu: aws.String("256"), Memory: aws.String("512"),
			InstanceRoleArn: aws.String("arn:aws:iam::123456789012:role/instance"),
		},
	}))(t).Service
}

// runService creates a service and waits until it runs.
func (t tool) runService(image string) *types.Service {
	t.Helper()
	svc := t.createService(image)
	t.through("OPERATION_IN_PROGRESS", "RUNNING")(terraformUp.wait(string(svc.Status), t.serviceState(svc.ServiceArn)))
	return svc
}

// serviceState polls DescribeService.
func (t tool) serviceState(arn *string) func() (string, error) {
	return func() (string, error) {
		return stateOf(t.DescribeService(t.Context(), &apprunner.DescribeServiceInput{ServiceArn: arn}))(
			func(out *apprunner.DescribeServiceOutput) string { return string(out.Service.Status) })
	}
}

// operationState polls ListOperations for one operation.
func (t tool) operationState(arn, id *string) func() (string, error) {
	return func() (string, error) {
		return stateOf(t.ListOperations(t.Context(), &apprunner.ListOperationsInput{ServiceArn: arn}))(
			func(out *apprunner.ListOperationsOutput) string {
				for _, o := range out.OperationSummaryList {
					if *o.Id == *id {
						return string(o.Status)
					}
				}
				return missing
			})
	}
}

// associate begins with a domain of the service.
func (t tool) associate(arn *string, name string) *types.CustomDomain {
	t.Helper()
	return must(t.AssociateCustomDomain(t.Context(), &apprunner.AssociateCustomDomainInput{ServiceArn: arn, DomainName: &name}))(t).CustomDomain
}

// disassociate lets go of it.
func (t tool) disassociate(arn *string, name string) *types.CustomDomain {
	t.Helper()
	return must(t.DisassociateCustomDomain(t.Context(), &apprunner.DisassociateCustomDomainInput{ServiceArn: arn, DomainName: &name}))(t).CustomDomain
}

// domain finds a domain of the service on the pages of the list, nil if there is none.
func (t tool) domain(arn *string, name string) (*types.CustomDomain, error) {
	pages := apprunner.NewDescribeCustomDomainsPaginator(t.Client, &apprunner.DescribeCustomDomainsInput{ServiceArn: arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			return nil, err
		}
		for _, d := range page.CustomDomains {
			if *d.DomainName == name {
				return &d, nil
			}
		}
	}
	return nil, nil
}

// domainState polls DescribeCustomDomains.
func (t tool) domainState(arn *string, name string) func() (string, error) {
	return func() (string, error) {
		d, err := t.domain(arn, name)
		if d == nil {
			return missing, err
		}
		return string(d.Status), nil
	}
}

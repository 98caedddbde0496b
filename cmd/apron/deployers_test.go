package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// nowhere is an image that cannot be pulled.
const nowhere = "127.0.0.1:1/nowhere:1"

// cloudFormationDown takes a service that is not found for a failure.
var cloudFormationDown = waiter{pending: []string{"OPERATION_IN_PROGRESS"}, target: []string{"DELETED"}}

// cloudFormationService is the handler of CloudFormation's resource, which takes nothing but RUNNING for success.
func cloudFormationService(t tool) {
	up := waiter{pending: []string{"OPERATION_IN_PROGRESS"}, target: []string{"RUNNING"}}
	svc := t.createService("hello:1")
	state := t.serviceState(svc.ServiceArn)
	t.through("OPERATION_IN_PROGRESS", "RUNNING")(up.wait(string(svc.Status), state))

	updated := must(t.UpdateService(t.Context(), &apprunner.UpdateServiceInput{
		ServiceArn: svc.ServiceArn, InstanceConfiguration: &types.InstanceConfiguration{Cpu: aws.String("512"), Memory: aws.String("1024")},
	}))(t)
	t.through("OPERATION_IN_PROGRESS", "RUNNING")(up.wait(string(updated.Service.Status), state))

	gone := must(t.DeleteService(t.Context(), &apprunner.DeleteServiceInput{ServiceArn: svc.ServiceArn}))(t)
	t.through("OPERATION_IN_PROGRESS", "DELETED")(cloudFormationDown.wait(string(gone.Service.Status), state))
}

// deployAction is the deploy action of GitHub: its first image is not there, so that the second run finds a service that
// could not be created; the third updates the new one, and the fourth is rolled back.
func deployAction(t tool) {
	for i, run := range []struct{ image, ends string }{
		{nowhere, "FAILED"}, {"hello:1", "SUCCEEDED"}, {"hello:1", "SUCCEEDED"}, {nowhere, "ROLLBACK_SUCCEEDED"},
	} {
		if got := t.deploy(run.image); got != run.ends {
			t.Fatalf("run %d, with %s, ended as %s, want %s", i+1, run.image, got, run.ends)
		}
	}
}

// deploy is a run of the deploy action: it ends well when the operation has SUCCEEDED.
func (t tool) deploy(image string) string {
	t.Helper()
	arn, id := t.existing("web-app"), (*string)(nil)
	if arn == nil {
		out := must(t.CreateService(t.Context(), &apprunner.CreateServiceInput{
			ServiceName: aws.String("web-app"), SourceConfiguration: source(image, nil)}))(t)
		arn, id = out.Service.ServiceArn, out.OperationId
	} else {
		out := must(t.UpdateService(t.Context(), &apprunner.UpdateServiceInput{ServiceArn: arn, SourceConfiguration: source(image, nil)}))(t)
		id = out.OperationId
	}
	stable := waiter{pending: []string{"OPERATION_IN_PROGRESS"}, target: []string{"RUNNING", "CREATE_FAILED"}}
	must(stable.wait("OPERATION_IN_PROGRESS", t.serviceState(arn)))(t)
	return must(t.operationState(arn, id)())(t)
}

// existing finds the service by its name on the pages of the list. One that could not be created is deleted first.
func (t tool) existing(name string) *string {
	t.Helper()
	pages := apprunner.NewListServicesPaginator(t.Client, &apprunner.ListServicesInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		for _, s := range must(pages.NextPage(t.Context()))(t).ServiceSummaryList {
			if *s.ServiceName == name && s.Status != types.ServiceStatusCreateFailed {
				return s.ServiceArn
			} else if *s.ServiceName == name {
				gone := must(t.DeleteService(t.Context(), &apprunner.DeleteServiceInput{ServiceArn: s.ServiceArn}))(t)
				t.through("OPERATION_IN_PROGRESS", "DELETED")(cloudFormationDown.wait(string(gone.Service.Status), t.serviceState(s.ServiceArn)))
			}
		}
	}
	return nil
}

// copilotOperations follows pause, resume and deployment by their operations. Copilot gives up when one is not listed at
// once, and waits for ever for an end that it does not know.
func copilotOperations(t tool) {
	t.push("copilot:1", programs.hello)
	svc := t.runService("copilot:1")
	for _, call := range []struct {
		begin func(*string) *string
		ends  string
	}{
		{t.pauseOperation, "SUCCEEDED"}, {t.resumeOperation, "SUCCEEDED"}, {t.deployOperation, "SUCCEEDED"}, {t.brokenOperation, "FAILED"},
	} {
		id := call.begin(svc.ServiceArn)
		state := t.operationState(svc.ServiceArn, id)
		ends := waiter{pending: []string{"PENDING", "IN_PROGRESS"}, target: []string{"SUCCEEDED", "FAILED"}}
		t.endsAs(call.ends)(ends.wait(must(state())(t), state))
	}
	// What is paused already has no operation, and Copilot is done at once.
	t.pauseOperation(svc.ServiceArn)
	paused := waiter{pending: []string{"OPERATION_IN_PROGRESS"}, target: []string{"PAUSED"}}
	must(paused.wait("OPERATION_IN_PROGRESS", t.serviceState(svc.ServiceArn)))(t)
	if id := t.pauseOperation(svc.ServiceArn); id != nil {
		t.Errorf("the second pause has operation %s", *id)
	}
}

func (t tool) pauseOperation(arn *string) *string {
	return must(t.PauseService(t.Context(), &apprunner.PauseServiceInput{ServiceArn: arn}))(t).OperationId
}

func (t tool) resumeOperation(arn *string) *string {
	return must(t.ResumeService(t.Context(), &apprunner.ResumeServiceInput{ServiceArn: arn}))(t).OperationId
}

func (t tool) deployOperation(arn *string) *string {
	return must(t.StartDeployment(t.Context(), &apprunner.StartDeploymentInput{ServiceArn: arn}))(t).OperationId
}

// brokenOperation deploys an image of something that is no program.
func (t tool) brokenOperation(arn *string) *string {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.push("copilot:1", program)
	return t.deployOperation(arn)
}

func (t tool) push(image, program string) {
	t.Helper()
	img := must(aprontest.Image(program))(t)
	must(t.platform.Push(t.Context(), img, image))(t)
}

// copilotCustomDomain is Copilot's lambda: it writes three validation records into the DNS, takes a domain that is there
// or gone already for one that it has dealt with, and removes the records that it is told of in the end.
func copilotCustomDomain(t tool) {
	const name = "copilot.example.com"
	arn := t.runService("hello:1").ServiceArn
	t.associate(arn, name)
	three := waiter{pending: []string{"0"}, target: []string{"3"}}
	t.through("0", "3")(three.wait("0", func() (string, error) {
		d, err := t.domain(arn, name)
		if d == nil {
			return missing, err
		}
		return strconv.Itoa(len(d.CertificateValidationRecords)), nil
	}))
	_, err := t.AssociateCustomDomain(t.Context(), &apprunner.AssociateCustomDomainInput{ServiceArn: arn, DomainName: aws.String(name)})
	t.says(err, name+" is already associated with")

	gone := t.disassociate(arn, name)
	if len(gone.CertificateValidationRecords) != 3 {
		t.Errorf("records to remove = %v, want 3", gone.CertificateValidationRecords)
	}
	t.through("deleting", missing)(waiter{pending: []string{"deleting"}}.wait(string(gone.Status), t.domainState(arn, name)))
	_, err = t.DisassociateCustomDomain(t.Context(), &apprunner.DisassociateCustomDomainInput{ServiceArn: arn, DomainName: aws.String(name)})
	t.says(err, fmt.Sprintf("No custom domain %s found for the provided service", name))
}

func (t tool) says(err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("err = %v, want it to say %q", err, want)
	}
}

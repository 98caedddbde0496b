package control

import (
	"cmp"
	"slices"

	"apron/api"
)

// rule says when an action on a service may begin and what becomes of the service.
type rule struct {
	action string // as clients call it
	// operation is what ListOperations shows of it; empty for an action that is done when it is answered, or that is
	// followed by other means. Such an action leaves the service's status alone.
	operation api.OperationType

	from   []api.ServiceStatus // it may begin in these
	noop   []api.ServiceStatus // it is done already in these: the reply has no OperationId
	done   api.ServiceStatus   // the service's status after success
	failed api.ServiceStatus   // and after failure; back to where it was when empty
	// refuse is the answer in every other status but DELETED.
	refuse func(api.Service) *api.Error
}

// lifecycle is App Runner's state machine, with every action that names a service (App Runner API reference, section 4.2):
// every status but OPERATION_IN_PROGRESS is one that a service rests in, and in OPERATION_IN_PROGRESS nothing may begin
// that changes it. CreateService is judged by the service that holds the name, if any does.
var lifecycle = []rule{
	{
		action:    "CreateService",
		operation: api.OperationCreateService,
		from:      statuses(api.StatusDeleted),
		done:      api.StatusRunning,
		failed:    api.StatusCreateFailed,
		refuse:    nameTaken,
	},
	{
		action:    "UpdateService",
		operation: api.OperationUpdateService,
		from:      statuses(api.StatusRunning, api.StatusCreateFailed),
		done:      api.StatusRunning,
		refuse:    wrongState("update", "RUNNING or CREATE_FAILED"),
	},
	{
		action:    "StartDeployment",
		operation: api.OperationStartDeployment,
		from:      statuses(api.StatusRunning),
		done:      api.StatusRunning,
		refuse:    cannotDeploy,
	},
	{
		action:    "PauseService",
		operation: api.OperationPauseService,
		from:      statuses(api.StatusRunning),
		noop:      statuses(api.StatusPaused),
		done:      api.StatusPaused,
		refuse:    wrongState("pause", "RUNNING"),
	},
	{
		action:    "ResumeService",
		operation: api.OperationResumeService,
		from:      statuses(api.StatusPaused),
		noop:      statuses(api.StatusRunning),
		done:      api.StatusRunning,
		refuse:    wrongState("resume", "PAUSED"),
	},
	{
		action:    "DeleteService",
		operation: api.OperationDeleteService,
		from:      statuses(api.StatusRunning, api.StatusPaused, api.StatusCreateFailed, api.StatusDeleteFailed),
		done:      api.StatusDeleted,
		failed:    api.StatusDeleteFailed,
		refuse:    wrongState("delete", "RUNNING, PAUSED, CREATE_FAILED or DELETE_FAILED"),
	},
	{
		action: "AssociateCustomDomain",
		from:   statuses(api.StatusRunning),
		refuse: wrongState("associate a custom domain with", "RUNNING"),
	},
	{
		action: "DisassociateCustomDomain",
		from:   statuses(api.StatusRunning),
		refuse: wrongState("disassociate a custom domain from", "RUNNING"),
	},
	{
		action: "CreateVpcIngressConnection", // of a private service
		from:   statuses(api.StatusRunning),
		refuse: wrongState("create a VPC ingress connection of", "RUNNING"),
	},
	{
		action:    "RollbackService", // apron's own; an update to clients, who know no other word for it
		operation: api.OperationUpdateService,
		from:      statuses(api.StatusRunning),
		done:      api.StatusRunning,
		refuse:    wrongState("roll back", "RUNNING"),
	},
	{
		action: "CancelOperation", // apron's own; the operation under way ends as one that failed
		from:   statuses(api.StatusOperationInProgress),
		refuse: nothingToCancel,
	},
	{action: "DescribeCustomDomains", from: present},
	{action: "TagResource", from: present},
	{action: "UntagResource", from: present},
	{action: "ListTagsForResource", from: present},
	// As long as they are describable at all, deleted services are described and the operation that deleted them followed.
	{action: "DescribeService", from: described},
	{action: "ListOperations", from: described},
	{action: "DescribeOperation", from: described},
	{action: "ListLogEvents", from: described},
	{action: "ListDeployments", from: present},
	{action: "DescribeServiceUsage", from: present},
	{action: "GetWebhook", from: present},
}

// present are all statuses of a service that is there, and described those of one that can be described.
var (
	present = statuses(api.StatusRunning, api.StatusPaused, api.StatusOperationInProgress,
		api.StatusCreateFailed, api.StatusDeleteFailed)
	described = append(slices.Clone(present), api.StatusDeleted)
)

func statuses(list ...api.ServiceStatus) []api.ServiceStatus { return list }

// verdict is what lifecycle says of an action on a service.
type verdict int

const (
	refused verdict = iota
	unneeded
	allowed
)

// judge consults lifecycle on an action, by the name that clients call it by; with refused comes the error for the client.
func judge(action string, svc api.Service) (verdict, *api.Error) {
	r := ruleOf(action)
	switch {
	case slices.Contains(r.from, svc.Status):
		return allowed, nil
	case slices.Contains(r.noop, svc.Status):
		return unneeded, nil
	case svc.Status == api.StatusDeleted:
		return refused, deleted(svc)
	}
	return refused, r.refuse(svc)
}

func ruleOf(action string) rule {
	return lifecycle[slices.IndexFunc(lifecycle, func(r rule) bool { return r.action == action })]
}

// ends tells the statuses that the action's operation leaves the service in, by success and by failure.
func ends(action string, from api.ServiceStatus) (done, failed api.ServiceStatus) {
	r := ruleOf(action)
	return r.done, cmp.Or(r.failed, from)
}

// rollsBack tells whether a failure is shown as ROLLBACK_*: only an update has something to go back to, and Copilot
// waits for ever on a ROLLBACK_* end of the operations that it polls (deploy, pause, resume).
func rollsBack(op api.OperationType, from api.ServiceStatus) bool {
	return op == api.OperationUpdateService && from == api.StatusRunning
}

func wrongState(verb, needed string) func(api.Service) *api.Error {
	return func(svc api.Service) *api.Error {
		next := "Describe the service to see its status."
		if svc.Status == api.StatusOperationInProgress {
			next = "Another operation is under way: follow it with ListOperations and try again when it has ended."
		}
		return api.InvalidState("Can't %s service %s: its status is %s and must be %s. %s", verb, svc.ServiceName, svc.Status, needed, next)
	}
}

// cannotDeploy has App Runner's own text; StartDeployment does not declare InvalidStateException.
func cannotDeploy(api.Service) *api.Error {
	return api.InvalidRequest("Can't start a deployment on the specified service, because it isn't in RUNNING state.")
}

func nothingToCancel(svc api.Service) *api.Error {
	return api.InvalidState("Service %s has no operation to cancel: its status is %s. List its operations to see how the last one ended.",
		svc.ServiceName, svc.Status)
}

// nameTaken has App Runner's own text.
func nameTaken(svc api.Service) *api.Error {
	return api.InvalidRequest("Service with the provided name already exists: %s.", svc.ServiceName)
}

func deleted(svc api.Service) *api.Error {
	return api.NotFound("Service %s is deleted. Create it again with CreateService; its name is free.", svc.ServiceArn)
}

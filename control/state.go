package control

import (
	"slices"

	"apron/api"
)

// rule says when an operation may begin and what becomes of the service.
type rule struct {
	from   []api.ServiceStatus // it may begin in these
	noop   []api.ServiceStatus // it is done already in these: the reply has no OperationId
	done   api.ServiceStatus   // the service's status after success
	failed api.ServiceStatus   // and after failure; back to where it was when empty
	// refuse is the answer in every other status.
	refuse func(api.Service) *api.Error
}

// lifecycle is App Runner's state machine: every status but OPERATION_IN_PROGRESS is one that a service rests in, and
// in OPERATION_IN_PROGRESS nothing may begin. CreateService is judged by the service that holds the name, if any does.
var lifecycle = map[api.OperationType]rule{
	api.OperationCreateService: {
		from:   statuses(api.StatusDeleted),
		done:   api.StatusRunning,
		failed: api.StatusCreateFailed,
		refuse: nameTaken,
	},
	api.OperationUpdateService: {
		from:   statuses(api.StatusRunning, api.StatusCreateFailed),
		done:   api.StatusRunning,
		refuse: wrongState("update", "RUNNING or CREATE_FAILED"),
	},
	api.OperationStartDeployment: {
		from:   statuses(api.StatusRunning),
		done:   api.StatusRunning,
		refuse: cannotDeploy,
	},
	api.OperationPauseService: {
		from:   statuses(api.StatusRunning),
		noop:   statuses(api.StatusPaused),
		done:   api.StatusPaused,
		refuse: wrongState("pause", "RUNNING"),
	},
	api.OperationResumeService: {
		from:   statuses(api.StatusPaused),
		noop:   statuses(api.StatusRunning),
		done:   api.StatusRunning,
		refuse: wrongState("resume", "PAUSED"),
	},
	api.OperationDeleteService: {
		from:   statuses(api.StatusRunning, api.StatusPaused, api.StatusCreateFailed, api.StatusDeleteFailed),
		done:   api.StatusDeleted,
		failed: api.StatusDeleteFailed,
		refuse: wrongState("delete", "RUNNING, PAUSED, CREATE_FAILED or DELETE_FAILED"),
	},
}

func statuses(list ...api.ServiceStatus) []api.ServiceStatus { return list }

// verdict is what lifecycle says of an operation on a service.
type verdict int

const (
	refused verdict = iota
	unneeded
	allowed
)

// judge consults lifecycle; with refused comes the error for the client.
func judge(op api.OperationType, svc api.Service) (verdict, *api.Error) {
	r := lifecycle[op]
	if slices.Contains(r.from, svc.Status) {
		return allowed, nil
	}
	if slices.Contains(r.noop, svc.Status) {
		return unneeded, nil
	}
	if svc.Status == api.StatusDeleted {
		return refused, deleted(svc)
	}
	return refused, r.refuse(svc)
}

// ends tells the statuses that the operation leaves the service in, by success and by failure.
func ends(op api.OperationType, from api.ServiceStatus) (done, failed api.ServiceStatus) {
	r := lifecycle[op]
	if r.failed == "" {
		return r.done, from
	}
	return r.done, r.failed
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

// nameTaken has App Runner's own text.
func nameTaken(svc api.Service) *api.Error {
	return api.InvalidRequest("Service with the provided name already exists: %s.", svc.ServiceName)
}

func deleted(svc api.Service) *api.Error {
	return api.NotFound("Service %s is deleted. Create it again with CreateService; its name is free.", svc.ServiceArn)
}

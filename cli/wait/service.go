package wait

import (
	"context"
	"slices"

	"apron/api"
)

// State is what a service can be waited for to be.
type State string

// The states, as they are typed.
const (
	Running State = "running"
	Paused  State = "paused"
	Deleted State = "deleted"
)

// States are all of them.
var States = []State{Running, Paused, Deleted}

// rule is what a wait for a state goes by.
type rule struct {
	waiter   string // as AWS would call it
	status   api.ServiceStatus
	by       []api.OperationType // the operations that lead there: if the newest one failed, it will not come
	hopeless []api.ServiceStatus // from which no wait leads there
}

var rules = map[State]rule{
	Running: {
		waiter: "ServiceRunning", status: api.StatusRunning,
		by: []api.OperationType{api.OperationCreateService, api.OperationUpdateService, api.OperationStartDeployment,
			api.OperationResumeService},
		hopeless: []api.ServiceStatus{api.StatusCreateFailed, api.StatusDeleteFailed, api.StatusDeleted},
	},
	Paused: {
		waiter: "ServicePaused", status: api.StatusPaused,
		by:       []api.OperationType{api.OperationPauseService},
		hopeless: []api.ServiceStatus{api.StatusCreateFailed, api.StatusDeleteFailed, api.StatusDeleted},
	},
	Deleted: {
		waiter: "ServiceDeleted", status: api.StatusDeleted,
		by:       []api.OperationType{api.OperationDeleteService},
		hopeless: []api.ServiceStatus{api.StatusDeleteFailed},
	},
}

// Service waits until the service is in that state, and returns it as it was described last; nil when it is deleted and
// described no more. An *Error says that it is not going to be, or that it is only because the newest operation failed
// and the version before runs on. A service that rests in another status is waited for: somebody may be about to act.
func (w Wait) Service(ctx context.Context, arn string, want State) (*api.Service, error) {
	r := rules[want]
	var seen Progress
	var end *Error
	err := w.until(ctx, &seen, func(ctx context.Context) (done bool, err error) {
		svc, err := w.Source.Service(ctx, arn)
		if want == Deleted && isNotFound(err) {
			seen = Progress{}
			return true, nil
		}
		if err != nil {
			return false, err
		}
		op, err := w.Source.Operation(ctx, arn, "")
		if err != nil && !isNotFound(err) {
			return false, err
		}
		seen.Service, seen.Operation = svc, op
		done, end = r.judge(svc, op)
		return done, nil
	})
	if end != nil {
		return seen.Service, end
	}
	return seen.Service, ended(r.waiter, seen.Operation, err)
}

// judge says whether there is nothing left to wait for, and what is wrong then.
func (r rule) judge(svc *api.Service, newest *api.Operation) (done bool, wrong *Error) {
	if svc.Status == api.StatusOperationInProgress {
		return false, nil
	}
	if newest != nil && slices.Contains(r.by, newest.Type) && Ended(newest) && outcome(newest) != Succeeded {
		return true, failed(r.waiter, newest)
	}
	if slices.Contains(r.hopeless, svc.Status) {
		return true, &Error{Waiter: r.waiter, Outcome: Failed, Operation: newest, Reason: terminal("Service.Status", string(svc.Status))}
	}
	return svc.Status == r.status, nil
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

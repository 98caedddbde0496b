package operation

import (
	"strings"

	"apron/api"
	"apron/logs"
)

// event writes a line into the service's events stream. A log that cannot be written holds no operation up.
func (r *run) event(text string) {
	if err := r.cfg.Logs.Event(r.group(), text); err != nil {
		r.log.Error("event could not be written", "error", err)
	}
}

// line writes a line into the operation's own stream.
func (r *run) line(text string) {
	if err := r.cfg.Logs.Deployment(r.group(), r.op.ID(), text); err != nil {
		r.log.Error("deployment log could not be written", "error", err)
	}
}

func (r *run) group() logs.Service { return Group(r.svc.Service) }

// Group names the service's log groups.
func Group(s api.Service) logs.Service { return logs.Service{Name: s.ServiceName, ID: s.ServiceId} }

// reportFailure tells the service's owner why the operation was given up: in the deployment's stream, to which the events
// of a failed deployment point, and else among the events themselves.
func (r *run) reportFailure() {
	if !r.plan.deploys {
		r.event(logs.OperationFailed(r.op.ID(), r.op.Failure))
		return
	}
	if !fromSource(r.op.Target) || r.op.Target.Image != "" {
		r.line(logs.ImageDeployFailed) // else there is none
	}
	// The faults of an apprunner.yaml are a line each, which Logs would make one of.
	for text := range strings.SplitSeq(logs.DeploymentFailed(r.op.ID(), r.op.Failure), "\n") {
		r.line(text)
	}
}

package operation

import "apron/logs"

// update deploys a service with another configuration; on a service whose create failed it is the second try.
var update = plan{
	texts:        texts{logs.UpdateStarted, logs.UpdateFinished, logs.UpdateFailed},
	deploys:      true,
	keepsServing: true,
	freesImages:  true,
	steps:        deployment,
}

// succeeded is the event of the operation's success. An update takes the newest commit along, if there is one.
func (r *run) succeeded() string {
	if r.plan.texts == update.texts && fromSource(r.op.Target) && r.op.Previous != nil && r.op.Previous.Image != r.op.Target.Image {
		return logs.UpdateApplicationFinished
	}
	return r.plan.texts.succeeded
}

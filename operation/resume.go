package operation

import (
	"context"

	"apron/logs"
)

// resume starts the version that was deployed before the pause: no pull, no build, fresh storage. Until it is
// healthy the service's URL answers as while it was paused.
var resume = plan{
	texts: texts{logs.ResumeStarted, logs.ResumeFinished, logs.ResumeFailed},
	steps: []step{
		{name: "provision", do: provision, undo: stop, volatile: true},
		{name: "open", do: open, undo: drain, volatile: true},
	},
}

func open(ctx context.Context, r *run) error {
	if err := r.openRoute(ctx); err != nil {
		return err
	}
	r.event(logs.TrafficRouted)
	return nil
}

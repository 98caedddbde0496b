package operation

import (
	"context"
	"fmt"

	"apron/logs"
)

// rollback brings back a deployment that the service had before, as a deployment of its own: its image is on this
// machine, because services keep those of their last deployments.
var rollback = plan{
	texts:        texts{logs.RollbackStarted, logs.RollbackFinished, logs.RollbackFailed},
	deploys:      true,
	keepsServing: true,
	freesImages:  true,
	steps:        append([]step{{name: "check", do: checkImage}}, deployment[1:]...),
}

// checkImage finds out that the image is gone, which takes hands on the data directory, before anything is started.
func checkImage(ctx context.Context, r *run) error {
	r.deploymentStarted()
	r.line(logs.RollingBack(r.op.Target.RestoredFrom, r.op.Target.Image))
	if _, err := r.cfg.Images.Image(ctx, r.op.Target.Image); err != nil {
		again := "Deploy it from its registry with UpdateService"
		if fromSource(r.op.Target) {
			again = "Push its commit to the branch again and deploy that with StartDeployment"
		}
		return Abort(fmt.Errorf("the image of deployment %s is not on this machine any more: %w. %s", r.op.Target.RestoredFrom, err, again))
	}
	return nil
}

package operation

import (
	"apron/api"
	"apron/store"
)

// plans has every type of operation that App Runner knows.
var plans = map[api.OperationType]plan{
	api.OperationCreateService:   create,
	api.OperationUpdateService:   update,
	api.OperationStartDeployment: deploy,
	api.OperationPauseService:    pause,
	api.OperationResumeService:   resume,
	api.OperationDeleteService:   remove,
}

// planOf is the plan of one operation. A rollback is an update to clients, who know no other word for a deployment with
// other settings (docs/divergences.md). What is built from source has other steps than what is pulled.
func planOf(op store.Operation) plan {
	p := plans[op.Type()]
	switch {
	case op.Type() == api.OperationUpdateService && op.Target != nil && op.Target.RestoredFrom != "":
		return rollback
	case p.deploys && fromSource(op.Target):
		p.steps = sourceDeployment
	}
	return p
}

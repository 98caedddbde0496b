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
// other settings (docs/divergences.md).
func planOf(op store.Operation) plan {
	if op.Type() == api.OperationUpdateService && op.Target != nil && op.Target.RestoredFrom != "" {
		return rollback
	}
	return plans[op.Type()]
}

package operation

import "apron/api"

// plans has every type of operation that App Runner knows.
var plans = map[api.OperationType]plan{
	api.OperationCreateService:   create,
	api.OperationUpdateService:   update,
	api.OperationStartDeployment: deploy,
	api.OperationPauseService:    pause,
	api.OperationResumeService:   resume,
	api.OperationDeleteService:   remove,
}

package operation

import "apron/logs"

// create is a service's first deployment.
var create = plan{
	texts:       texts{logs.CreateStarted, logs.CreateFinished, logs.CreateFailed},
	deploys:     true,
	freesImages: true,
	steps:       deployment,
}

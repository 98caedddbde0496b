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

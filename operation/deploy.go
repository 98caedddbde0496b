package operation

import "apron/logs"

// deploy takes what the image's tag points to now, with the configuration unchanged.
var deploy = plan{
	texts:        texts{logs.DeployStarted, logs.DeployFinished, logs.DeployFailed},
	deploys:      true,
	keepsServing: true,
	freesImages:  true,
	steps:        deployment,
}

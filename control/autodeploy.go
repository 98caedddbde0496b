package control

import (
	"context"
	"errors"

	"apron/api"
	"apron/store"
)

// Cause is a new version of what a service is deployed from.
type Cause = store.Cause

// AutoDeploy begins a START_DEPLOYMENT as if the service's owner had asked for it, and returns the operation's id. The error
// is an *api.Error: of the kind InvalidState while the service is not RUNNING, NotFound when it is deleted. Like an action it
// blocks for one transaction.
func (c *Control) AutoDeploy(ctx context.Context, arn string, cause Cause) (operationID string, err error) {
	parsed, err := api.ParseARN(arn, api.ResourceService)
	if err != nil {
		return "", err
	}
	caller := api.Caller{Account: parsed.Account, Region: parsed.Region}
	id, err := c.startDeployment(ctx, caller, arn, &cause)
	if e, ok := errors.AsType[*api.Error](err); ok && e.Kind == api.KindInvalidRequest {
		return "", api.InvalidState("%s", e.Message) // StartDeployment does not declare it, and its refusals are these
	}
	return id, err
}

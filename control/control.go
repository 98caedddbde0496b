// Package control says what each App Runner action means: it checks a request against the service's state, records
// what was decided in one store transaction, and answers. The work itself is left to operations, which it wakes
// through a func; it must never touch a container, an image or the network. awsjson calls it through the table in
// actions.go.
package control

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"apron/api"
	"apron/store"
)

// Config names what the actions work with. All fields are required.
type Config struct {
	Log   *slog.Logger
	Store *store.Store
	// Wake tells whoever runs operations that the service with this ARN has one; it must not block.
	Wake func(arn string)
	// Settle tells whoever moves VPC ingress connections and custom domains on that one has something ahead; it must not
	// block.
	Settle func()
	// Interrupt tells whoever runs operations that this one was cancelled; it must not block.
	Interrupt func(operationID string)
	// Retagged has the settings among the tags of the service with this ARN, which were changed, come into force. It blocks
	// for no longer than a look into the store.
	Retagged func(arn string)
	// Progress tells which step of an operation is under way just now, empty if none is, and how all of them stand; it must
	// not block.
	Progress func(store.Operation) (step string, steps []api.OperationStep)
	// ReadLog and Usage look at what a service writes and takes, and change nothing.
	ReadLog LogReader
	Usage   func(ctx context.Context, svc api.Service) (api.ServiceUsage, error)
	// Runtimes lists the managed runtimes with the bases that an account's builds begin with, and PullRuntime begins to pull
	// the base image of one; its errors are the client's where they are *api.Error. Neither asks a registry.
	Runtimes    func(ctx context.Context, account string) ([]api.RuntimeSummary, error)
	PullRuntime func(ctx context.Context, account, name string) (api.RuntimeSummary, error)
	// Webhook tells where pushes for the service with this id are reported, and what proves a report.
	Webhook func(serviceID string) (url, secret string)
	// Storage tells an account how the server's disk is used, and CollectGarbage removes from it what can be made again, or tells
	// what it would; both block for as long as that takes. Errors are the client's where they are *api.Error.
	Storage        func(ctx context.Context, account string) (api.Storage, error)
	CollectGarbage func(ctx context.Context, account string, dry bool) (api.Garbage, error)
	// Host makes the public host name of a new service from its first label and region.
	Host func(label, region string) string
	// Domain is the platform's own, which all that Host makes is under.
	Domain string
	// CheckImage says why an image's name can never lead to an image; nil if it may.
	CheckImage func(name string) error
	// CheckRepository says why the account can have no sources from a repository's URL, which is well formed, holds no
	// credentials and has one of the schemes https, http, ssh and file; nil if it may. Its errors have the next step.
	CheckRepository func(account string, repository *url.URL) error
	// TokenKey seals page tokens; the same one after a restart keeps clients' lists going.
	TokenKey []byte
	Quotas   Quotas
}

// Control answers the actions. Its methods may be called from many goroutines; each blocks for one transaction at
// most, and returns an *api.Error for whatever the client is to know.
type Control struct{ cfg Config }

// New makes a Control; nothing runs until Run is called, and the actions do not need it.
func New(cfg Config) *Control { return &Control{cfg: cfg} }

// describable is how long what is deleted can still be described: CloudFormation's handler takes a service that is
// not found while it waits for DELETED for a failure.
const describable = time.Hour

// Run forgets what was deleted long enough ago, until ctx is done.
func (c *Control) Run(ctx context.Context) error {
	ticker := time.NewTicker(describable / 6)
	defer ticker.Stop()
	for {
		err := c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
			before := time.Now().Add(-describable)
			return errors.Join(tx.PurgeServices(before), tx.PurgeResources(before))
		})
		if err != nil && ctx.Err() == nil {
			c.cfg.Log.Error("what was deleted could not be purged", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// load finds the caller's service, deleted ones included as long as they are describable.
func load(tx *store.Tx, caller api.Caller, arn string) (store.Service, error) {
	if err := checkService(caller, arn); err != nil {
		return store.Service{}, err
	}
	svc, err := tx.Service(arn)
	if err = describing(svc.Service, arn, err); err != nil {
		return store.Service{}, err
	}
	return svc, nil
}

// checkService refuses what cannot be the ARN of a service of the caller's.
func checkService(caller api.Caller, arn string) error {
	parsed, err := api.ParseARN(arn, api.ResourceService)
	if err != nil {
		return err
	}
	return parsed.CheckOwner(caller)
}

// describing turns what the store says of a service, or that it was deleted too long ago, into the client's error.
func describing(svc api.Service, arn string, err error) error {
	gone := err == nil && svc.DeletedAt != nil && time.Since(svc.DeletedAt.Time) > describable
	if errors.Is(err, store.ErrNotFound) || gone {
		return api.NotFound("No service with the ARN %s. List the services to see their ARNs.", arn)
	}
	return err
}

// look is load for those who only need what clients see.
func look(tx *store.Tx, caller api.Caller, arn string) (api.Service, error) {
	if err := checkService(caller, arn); err != nil {
		return api.Service{}, err
	}
	svc, err := tx.ServiceShown(arn)
	return svc, describing(svc, arn, err)
}

// allow is look for an action that lifecycle lets begin on the service as it is now, or refuses.
func allow(tx *store.Tx, caller api.Caller, action, arn string) (api.Service, error) {
	svc, err := look(tx, caller, arn)
	if err != nil {
		return api.Service{}, err
	}
	_, no := judge(action, svc)
	return svc, orNil(no)
}

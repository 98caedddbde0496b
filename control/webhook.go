package control

import (
	"context"
	"errors"

	"apron/api"
	"apron/store"
)

// GetWebhook tells where pushes for a service are reported, with the secret that signs reports: a read-only key, which may
// start no deployment, does not get it.
func (c *Control) GetWebhook(ctx context.Context, caller api.Caller, in *api.GetWebhookRequest) (*api.GetWebhookResponse, error) {
	var svc api.Service
	var watch store.Watch
	err := c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		if svc, err = allow(tx, caller, "GetWebhook", in.ServiceArn); err != nil {
			return err
		}
		if watch, err = tx.Watch(svc.ServiceArn); errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	hook := &api.Webhook{ServiceArn: svc.ServiceArn}
	hook.Url, hook.Secret = c.cfg.Webhook(svc.ServiceId)
	hook.SeenVersion, hook.Failure = given(watch.Seen), given(watch.Failure)
	return &api.GetWebhookResponse{Webhook: hook}, nil
}

// given is nil for an empty text.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

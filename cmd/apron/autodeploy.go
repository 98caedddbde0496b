package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"apron/api"
	"apron/autodeploy"
	"apron/image"
	"apron/store"
)

func (p *platform) tieAutoDeploy() {
	p.watcher = autodeploy.New(autodeploy.Config{
		Log:    p.log,
		Store:  p.store,
		Deploy: p.control.AutoDeploy,
		Newest: p.newest,
		Touches: func(ctx context.Context, svc store.Service, from, to string) (bool, error) {
			source := svc.Service.SourceConfiguration
			remote, err := p.remote(ctx, svc.Account, source)
			if err != nil {
				return false, err
			}
			return p.sources.Touches(ctx, svc.Service.ServiceId, remote, from, to, *source.CodeRepository.SourceDirectory)
		},
		Event:         func(svc api.Service, text string) { p.event(svc.ServiceId, text) },
		Secret:        p.hookSecret,
		Interval:      p.cfg.PollInterval,
		ImageInterval: imageIntervals * p.cfg.PollInterval,
	})
}

// imageIntervals is how much less often registries are asked than repositories: public ones allow an address so many
// questions in an hour.
const imageIntervals = 5

// newest finds what a deployment of the service would take now.
func (p *platform) newest(ctx context.Context, svc store.Service) (string, error) {
	source := svc.Service.SourceConfiguration
	if source.CodeRepository == nil {
		ref := source.ImageRepository.ImageIdentifier
		return p.images.Account(svc.Account).Resolve(ctx, ref, image.KeychainAuth(ref))
	}
	remote, err := p.remote(ctx, svc.Account, source)
	if err != nil {
		return "", err
	}
	return p.sources.Head(ctx, remote)
}

// hookSecret is what the webhooks of a service prove themselves with. It is made of the data directory's key, so that there
// is nothing to keep.
func (p *platform) hookSecret(serviceID string) string {
	mac := hmac.New(sha256.New, p.ring.MACKey("webhooks"))
	mac.Write([]byte(serviceID))
	return hex.EncodeToString(mac.Sum(nil)[:20])
}

// webhook is where pushes for a service are reported; see control.Config.
func (p *platform) webhook(serviceID string) (url, secret string) {
	return "http://" + reachable(p.api) + "/hooks/" + serviceID, p.hookSecret(serviceID)
}

// wake has an operation run that has begun. A resume is looked at, too: what was pushed until now is not deployed by it.
func (p *platform) wake(arn string) {
	p.worker.Wake(arn)
	p.watcher.Look(arn)
}

// pushed is told of every branch that a push to a built-in repository has moved.
func (p *platform) pushed(ctx context.Context, account, repository, branch, _, _ string) {
	p.lookAt(context.WithoutCancel(ctx), func(svc store.Service) bool {
		code := svc.Service.SourceConfiguration.CodeRepository
		if code == nil || svc.Account != account || code.SourceCodeVersion.Value != branch {
			return false
		}
		name, ok := p.git.Repository(code.RepositoryUrl)
		return ok && name == repository
	})
}

// imagePushed is told of every tag that was pushed to the embedded registry.
func (p *platform) imagePushed(account, repository, tag string) {
	go p.lookAt(context.Background(), func(svc store.Service) bool {
		at := svc.Service.SourceConfiguration.ImageRepository
		if at == nil || svc.Account != account {
			return false
		}
		name, id, ok := p.images.Account(account).Local(context.Background(), at.ImageIdentifier)
		return ok && name == repository && id == tag
	})
}

func (p *platform) lookAt(ctx context.Context, interest func(store.Service) bool) {
	if err := p.watcher.LookAt(ctx, interest); err != nil {
		p.log.Error("the services of what was pushed could not be found; they are looked at when that is due", "error", err)
	}
}

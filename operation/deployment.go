package operation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"apron/api"
	"apron/fleet"
	"apron/image"
	"apron/logs"
)

// deployment is what create, update and deploy have in common: a new version is brought up beside the old one, gets
// the traffic once it is healthy, and only then the old one goes.
var deployment = []step{
	{name: "pull", within: 20 * time.Minute, do: pull},
	{name: "provision", do: provision, undo: unprovision, volatile: true},
	{name: "route", do: route, undo: routeBack, volatile: true, records: true},
	{name: "retire", do: retire, volatile: true}, // after a restart the instances found are watched, and nobody else ends them
}

// pull brings the image onto this machine and fixes its digest: from here on the tag may move.
func pull(ctx context.Context, r *run) error {
	r.deploymentStarted()
	ref := r.op.Target.Config.SourceConfiguration.ImageRepository.ImageIdentifier
	r.line(logs.ImagePullStarted)
	r.pulls.RLock()
	defer r.pulls.RUnlock()
	digest, err := r.cfg.Images.Account(r.svc.Account).Pull(ctx, ref, r.auth(ref))
	if err != nil {
		return pullFailed(err)
	}
	r.op.Target.Image = digest
	r.line(logs.ImagePulled)
	r.event(logs.ImagePulledEvent)
	// Saved here and not with the cursor, so that collect sees the digest before it may run again.
	return r.save(ctx)
}

func (r *run) auth(ref string) *image.Auth {
	if r.cfg.Auth == nil {
		return nil
	}
	return r.cfg.Auth(ref)
}

// provision starts the new version's instances and waits until they are healthy.
func provision(ctx context.Context, r *run) error {
	rev, err := Revision(*r.op.Target)
	if err != nil {
		return Abort(err)
	}
	r.event(logs.Provisioning)
	r.event(healthCheckText(rev))
	if err := r.cfg.Fleet.Deploy(ctx, rev); err != nil {
		return r.provisionFailed(err)
	}
	if start, health, ok := r.cfg.Fleet.Took(rev.Service, rev.ID); ok {
		r.phase("start", start, false)
		r.phase("health", health, true)
	}
	r.event(logs.HealthCheckOK)
	return nil
}

// provisionFailed gives up what is the application's fault, and leaves its last words where its owner looks for them.
func (r *run) provisionFailed(err error) error {
	failed, ok := errors.AsType[*fleet.StartError](err)
	if !ok {
		return err
	}
	for _, text := range failed.Log {
		r.line("instance/" + failed.InstanceID + ": " + text)
	}
	return Abort(err)
}

// unprovision takes the new version's instances away; those of the version before are left alone.
func unprovision(ctx context.Context, r *run) error {
	if r.svc.Deployed == nil || r.svc.Deployed.ID == r.op.Target.ID {
		return r.cfg.Fleet.Stop(ctx, r.svc.Service.ServiceId)
	}
	return r.cfg.Fleet.Retire(ctx, r.svc.Service.ServiceId, r.svc.Deployed.ID)
}

// route gives the traffic to the new version. With the cursor of this step the service's record says that it is
// the deployed one.
func route(ctx context.Context, r *run) error {
	if r.svc.Deployed == nil || r.svc.Deployed.ID != r.op.Target.ID {
		r.op.Previous = r.svc.Deployed
		r.svc.Deployed = r.op.Target
	}
	if err := r.openRoute(ctx); err != nil {
		return err
	}
	r.event(logs.TrafficRouted)
	return nil
}

// routeBack gives the traffic back to the version before. An operation that was cancelled just before it was to route has
// not taken it.
func routeBack(ctx context.Context, r *run) error {
	if r.svc.Deployed != nil && r.svc.Deployed.ID == r.op.Target.ID {
		r.svc.Deployed = r.op.Previous
	}
	if r.svc.Deployed == nil {
		r.shut(r.svc)
		return r.cfg.Proxy.Withdraw(ctx, r.svc.Service.ServiceId)
	}
	return restore(ctx, r)
}

// openRoute lets the deployed version's healthy instances answer the host names that this version has. The record may show
// another version's settings, which an update that goes back still has to take away.
func (r *run) openRoute(ctx context.Context) error {
	if err := r.cfg.Fleet.Serve(r.svc.Service.ServiceId, r.svc.Deployed.ID); err != nil {
		return err
	}
	if err := r.tune(ctx, r.svc); err != nil {
		return err
	}
	r.cfg.Proxy.Open(r.svc.Service.ServiceId, Hosts(r.svc.Deployed.Config)...)
	return nil
}

// retire ends the instances of every other version, once their requests in flight have ended. What cannot be ended is
// no reason to take a version back that is healthy and has the traffic: fleet goes on in the background, and after a
// restart of the server finds it as a stray.
func retire(ctx context.Context, r *run) error {
	err := r.cfg.Fleet.Retire(ctx, r.svc.Service.ServiceId, r.op.Target.ID)
	if err != nil && ctx.Err() == nil {
		r.leftovers = true
		r.log.Error("instances of the version before are left; they are being removed in the background", "error", r.reason(err))
		return nil
	}
	return err
}

// restore brings the deployed version up, as far as it is not, and gives it the traffic. It gets the traffic even when it
// does not come up: from then on fleet tries to start it, as it does for every service that is RUNNING.
func restore(ctx context.Context, r *run) error {
	rev, err := Revision(*r.svc.Deployed)
	if err != nil {
		return Abort(err)
	}
	if err := r.cfg.Fleet.Deploy(ctx, rev); err != nil {
		return errors.Join(err, r.openRoute(ctx))
	}
	return r.openRoute(ctx)
}

// deploymentStarted writes the head of the deployment stream; a repeated step writes it again, which says that it
// was repeated.
func (r *run) deploymentStarted() {
	trigger := logs.TriggerDeploy
	switch {
	case r.op.Target.RestoredFrom != "":
		trigger = logs.TriggerRollback
	case r.op.Type() == api.OperationCreateService:
		trigger = logs.TriggerCreate
	case r.op.Type() == api.OperationUpdateService:
		trigger = logs.TriggerUpdate
	}
	if r.op.Cause != nil {
		trigger = r.op.Cause.Trigger
	}
	r.line(logs.DeploymentStarted(r.op.ID(), trigger))
	if r.op.Cause != nil {
		r.line(logs.VersionSeen(r.op.Cause.Version))
	}
	for _, text := range unserved(r.op.Target.Config) {
		r.line(text)
	}
}

// pullFailed says why there is no image, in App Runner's words where it has some. Pull has already tried again what a
// new try can heal, so the operation is given up, unless the fault is this machine's own.
func pullFailed(err error) error {
	if _, ok := errors.AsType[*image.NotFoundError](err); ok {
		return Abort(fmt.Errorf("%s %w", logs.ImagePullFailed(logs.ReasonImageMissing), err))
	}
	for _, users := range []func(error) bool{is[*image.AuthError], is[*image.PlatformError],
		is[*image.UnreachableError], is[*image.InvalidError], is[*image.TooLargeError]} {
		if users(err) {
			return Abort(errors.New(logs.ImagePullFailed(err.Error())))
		}
	}
	return fmt.Errorf("pull image: %w", err)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

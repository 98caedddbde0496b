package autodeploy

import (
	"apron/api"
	"apron/store"
)

// verdict is what to do about the version that was found.
type verdict int

const (
	note verdict = iota // nothing but to keep the watch
	wait                // it is new, and an operation is under way
	fire                // it is new
)

// decide compares the version that was found with what is known of the service. It returns the watch as it is to be from
// now on; with fire, once the deployment has begun.
func decide(v view, version string) (store.Watch, verdict) {
	origin := originOf(v.svc.Service)
	watch := v.watch
	if watch.Origin != origin { // it was made, or updated, to be deployed from elsewhere
		watch = store.Watch{Origin: origin, Seen: deployed(v.svc.Deployed, origin), Paused: watch.Paused}
	}
	watch.Failure = ""
	switch {
	case v.pausing():
		watch.Seen, watch.Paused = version, true
	case watch.Paused && v.settled(), v.resuming():
		watch.Seen, watch.Paused = version, false
	case version == watch.Seen:
	case version == deployed(v.svc.Deployed, origin), v.tried(version):
		watch.Seen = version
	case v.svc.Service.Status == api.StatusRunning:
		return watch, fire
	case v.busy():
		return v.watch, wait
	default: // it is not deployed, and only its owner can change that
		return v.watch, note
	}
	return watch, note
}

// watched tells whether the service still is one that deploys by itself.
func (v view) watched() bool {
	s := v.svc.Service
	return s.DeletedAt == nil && s.SourceConfiguration.AutoDeploymentsEnabled != nil && *s.SourceConfiguration.AutoDeploymentsEnabled
}

// pausing tells whether the service is paused or being paused, resuming whether it is being resumed.
func (v view) pausing() bool {
	return v.svc.Service.Status == api.StatusPaused || v.underway(api.OperationPauseService)
}
func (v view) resuming() bool { return v.underway(api.OperationResumeService) }

// settled tells whether no operation is under way.
func (v view) settled() bool { return v.svc.Service.Status != api.StatusOperationInProgress }

// busy tells whether an operation is under way that deploys, or that ends the service.
func (v view) busy() bool { return !v.settled() && !v.pausing() && !v.resuming() }

func (v view) underway(kind api.OperationType) bool {
	return !v.settled() && v.last.Summary.Type != nil && v.last.Type() == kind
}

// tried tells whether the service's last operation was to deploy the version. A version that failed is not tried again and
// again.
func (v view) tried(version string) bool {
	if !v.settled() || v.last.Target == nil || originOf(v.last.Target.Config) != originOf(v.svc.Service) {
		return false
	}
	return version == versionOf(*v.last.Target) || v.last.Cause != nil && version == v.last.Cause.Version
}

// deployed is the version that the deployment took from the place, "" if it was deployed from elsewhere.
func deployed(d *store.Deployment, origin string) string {
	if d == nil || originOf(d.Config) != origin {
		return ""
	}
	return versionOf(*d)
}

func versionOf(d store.Deployment) string {
	if d.Config.SourceConfiguration.CodeRepository == nil {
		return d.Image
	}
	if d.Source == nil {
		return ""
	}
	return d.Source.Commit
}

// originOf names the place that a service is deployed from.
func originOf(s api.Service) string {
	source := s.SourceConfiguration
	if code := source.CodeRepository; code != nil {
		origin := code.RepositoryUrl + " " + code.SourceCodeVersion.Value
		if code.SourceDirectory != nil {
			origin += " " + *code.SourceDirectory
		}
		return origin
	}
	return source.ImageRepository.ImageIdentifier
}

// paused is the watch of a service that is being paused.
func paused(w store.Watch) store.Watch {
	w.Paused = true
	return w
}

package autodeploy

import (
	"testing"

	"apron/api"
	"apron/store"
)

func fromBranch(branch string) *api.SourceConfiguration {
	return &api.SourceConfiguration{AutoDeploymentsEnabled: new(true), CodeRepository: &api.CodeRepository{
		RepositoryUrl: "https://example.com/web", SourceDirectory: new("/"),
		SourceCodeVersion: &api.SourceCodeVersion{Type: api.SourceCodeVersionBranch, Value: branch},
	}}
}

// at is a service in the status that was deployed from the commit of branch main, "" for none, and what it has seen.
func at(status api.ServiceStatus, commit, seen string) view {
	v := view{svc: store.Service{Service: api.Service{ServiceArn: "arn", Status: status, SourceConfiguration: fromBranch("main")}}}
	if commit != "" {
		v.svc.Deployed = &store.Deployment{ID: "d", Config: v.svc.Service, Source: &store.SourceVersion{Commit: commit}}
	}
	if seen != "" {
		v.watch = store.Watch{Origin: originOf(v.svc.Service), Seen: seen}
	}
	return v
}

func (v view) during(kind api.OperationType) view {
	v.svc.Service.Status = api.StatusOperationInProgress
	return v.after(kind)
}

func (v view) after(kind api.OperationType) view {
	v.last.Summary.Type = &kind
	return v
}

// aiming is the view after an operation that was to deploy the commit.
func (v view) aiming(commit string) view {
	v = v.after(api.OperationStartDeployment)
	v.last.Target = &store.Deployment{Config: v.svc.Service, Source: &store.SourceVersion{Commit: commit}}
	return v
}

// caused is the view after an operation that was begun for the version and did not get so far as to fetch it.
func (v view) caused(version string) view {
	v = v.aiming("")
	v.last.Cause = &store.Cause{Version: version}
	return v
}

func (v view) wasPaused() view { v.watch.Paused = true; return v }

func (v view) movedTo(branch string) view {
	v.svc.Service.SourceConfiguration = fromBranch(branch)
	return v
}

func TestDecide(t *testing.T) {
	const running, paused = api.StatusRunning, api.StatusPaused
	for name, c := range map[string]struct {
		view
		version string
		want    verdict
		seen    string
		paused  bool
	}{
		"first look, nothing new":             {at(running, "c1", ""), "c1", note, "c1", false},
		"first look, a commit came meanwhile": {at(running, "c1", ""), "c2", fire, "c1", false},
		"nothing new":                         {at(running, "c1", "c1"), "c1", note, "c1", false},
		"a new commit":                        {at(running, "c1", "c1"), "c2", fire, "c1", false},
		"deployed by its owner":               {at(running, "c2", "c1"), "c2", note, "c2", false},
		"rolled back":                         {at(running, "c1", "c2"), "c2", note, "c2", false},
		"a commit that failed":                {at(running, "c1", "c1").aiming("c2"), "c2", note, "c2", false},
		"one that failed before its fetch":    {at(running, "c1", "c1").caused("c2"), "c2", note, "c2", false},
		"a newer one than that which failed":  {at(running, "c1", "c2").aiming("c2"), "c3", fire, "c2", false},
		"the branch was moved back":           {at(running, "c2", "c2"), "c1", fire, "c2", false},
		"a deployment is under way":           {at(running, "c1", "c1").during(api.OperationStartDeployment), "c2", wait, "c1", false},
		"pushed while it is being paused":     {at(running, "c1", "c1").during(api.OperationPauseService), "c2", note, "c2", true},
		"pushed while paused":                 {at(paused, "c1", "c1"), "c2", note, "c2", true},
		"pushed until it is resumed":          {at(paused, "c1", "c1").wasPaused().during(api.OperationResumeService), "c2", note, "c2", false},
		"found when it is resumed":            {at(running, "c1", "c1").wasPaused(), "c2", note, "c2", false},
		"pushed after the resume":             {at(running, "c1", "c2"), "c3", fire, "c2", false},
		"another branch, deployed already":    {at(running, "c1", "c1").movedTo("next"), "n1", fire, "", false},
		"never deployed":                      {at(api.StatusCreateFailed, "", ""), "c1", note, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			watch, got := decide(c.view, c.version)
			if got != c.want || watch.Seen != c.seen || watch.Paused != c.paused {
				t.Errorf("it decides %d with %+v, want %d with %q seen and paused %t", got, watch, c.want, c.seen, c.paused)
			}
		})
	}
}

package operation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"apron/api"
	"apron/build"
	"apron/build/recipe"
	"apron/build/source"
	"apron/image"
	"apron/logs"
	"apron/operation"
	"apron/store"
)

// source asks for a service from the workshop's branch and returns its ARN.
func (r *rig) source(name string) (arn string) {
	r.t.Helper()
	out, err := r.control.CreateService(r.t.Context(), caller, &api.CreateServiceRequest{
		ServiceName: name,
		SourceConfiguration: &api.SourceConfiguration{CodeRepository: &api.CodeRepository{
			RepositoryUrl:     "https://github.com/team/web",
			SourceCodeVersion: &api.SourceCodeVersion{Type: api.SourceCodeVersionBranch, Value: "main"},
			CodeConfiguration: &api.CodeConfiguration{ConfigurationSource: api.ConfigurationSourceRepository},
		}},
	})
	r.accepted(err)
	return out.Service.ServiceArn
}

// builds begins with the commit c1 and a program that listens on 3000.
func builds(t *testing.T, test func(*rig)) {
	t.Helper()
	bubble(t, func(r *rig) {
		r.shop.set(func(s *script) {
			s.head, s.run = "c1", recipe.Run{Command: "app --serve", Port: 3000, PortEnv: "LISTEN", Env: map[string]string{"GREETING": "built"}}
		})
		test(r)
	})
}

func TestCreateFromSource_GoesThroughItsStepsInOrderAndSaysSo(t *testing.T) {
	builds(t, func(r *rig) {
		arn := r.source("web-app")
		op := r.ends(arn, api.OperationSucceeded)
		r.wantLines("places", r.came(api.OperationCreateService), operation.SourcePlaces(api.OperationCreateService))
		r.wantLines("steps", op.Done, []string{"fetch", "build", "provision", "route", "retire"})
		r.wantLines("work", r.shop.done(), []string{"fetch", "build c1"})
		r.wantLines("deployment", r.deployment(arn), []string{
			logs.DeploymentStarted(op.ID(), logs.TriggerCreate),
			logs.SourceArtifact("https://github.com/team/web", "main", "/"),
			logs.PipelineStarted,
			logs.PipelineFinished,
			logs.SourcePulling("GITHUB", "https://github.com/team/web"),
			logs.SourcePulled,
			logs.SourceCommit("c1", "Subject of c1"),
			"2000-01-01T00:00:00.000Z [Build] compiling", // lineHead leaves what is not the platform's
			logs.BuildFinished,
			"Deployed in 1 ms: health 1 ms.",
		})
		r.serves(arn, "GREETING=built")
		r.serves(arn, "PORT=3000")
		r.serves(arn, "LISTEN=3000")
		if at := r.service(arn).Deployed.Source; at == nil || at.Commit != "c1" || at.Subject != "Subject of c1" {
			t.Errorf("deployed is the commit %+v, want c1", at)
		}
	})
}

func TestDeployFromSource_TakesTheNewestCommit_AndResumeTheDeployedOne(t *testing.T) {
	builds(t, func(r *rig) {
		arn := r.source("web-app")
		r.ends(arn, api.OperationSucceeded)
		r.pause(arn)
		r.ends(arn, api.OperationSucceeded)
		r.shop.set(func(s *script) { s.head, s.run.Env = "c2", map[string]string{"GREETING": "again"} })
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		r.serves(arn, "GREETING=built")
		r.wantLines("work until the resume", r.shop.done(), []string{"fetch", "build c1"})
		r.deploy(arn)
		r.ends(arn, api.OperationSucceeded)
		r.serves(arn, "GREETING=again")
		r.rollback(arn)
		op := r.ends(arn, api.OperationSucceeded)
		r.serves(arn, "GREETING=built")
		r.wantLines("steps of the rollback", op.Done, []string{"check", "provision", "route", "retire"})
		r.wantLines("work", r.shop.done(), []string{"fetch", "build c1", "fetch", "build c2"})
		r.delete(arn)
		r.ends(arn, api.OperationSucceeded)
		r.wantLines("work", r.shop.done()[4:], []string{"forget", "forget"})
	})
}

// TestUpdateFromSource_SaysWhetherTheApplicationIsNew as App Runner's two texts do.
func TestUpdateFromSource_SaysWhetherTheApplicationIsNew(t *testing.T) {
	builds(t, func(r *rig) {
		arn := r.source("web-app")
		r.ends(arn, api.OperationSucceeded)
		for _, c := range []struct{ commit, event string }{{"c1", logs.UpdateFinished}, {"c2", logs.UpdateApplicationFinished}} {
			r.shop.set(func(s *script) { s.head = c.commit })
			_, err := r.control.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{
				ServiceArn: arn, HealthCheckConfiguration: &api.HealthCheckConfiguration{Interval: new(9)},
			})
			r.accepted(err)
			r.ends(arn, api.OperationSucceeded)
			r.wantLine("events", r.events(arn), c.event)
		}
	})
}

func TestSourceFaults_EndTheDeploymentAtOnceAndTheOldVersionServesOn(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*script)
		reason string
		tries  int
	}{
		"source":  {func(s *script) { s.fetchErr = &source.Error{Reason: "There is no branch main."} }, logs.SourcePullFailed("There is no branch main."), 1},
		"build":   {failing(&build.Error{Reason: "The command failed."}), logs.BuildFailed("The command failed."), 2},
		"machine": {failing(errors.New("disk full")), "build image: disk full", 6},
	} {
		t.Run(name, func(t *testing.T) {
			builds(t, func(r *rig) {
				arn := r.source("web-app")
				r.ends(arn, api.OperationSucceeded)
				before, done := r.fake.IDs(), len(r.shop.done())
				r.shop.set(func(s *script) { s.head = "c2" })
				r.shop.set(c.change)
				r.deploy(arn)
				op := r.ends(arn, api.OperationFailed)
				r.holds(arn, api.StatusRunning)
				r.serves(arn, "GREETING=built")
				r.wantLines("instances", r.fake.IDs(), before)
				if op.Failure != c.reason {
					t.Errorf("the reason is %q, want %q", op.Failure, c.reason)
				}
				r.wantLine("deployment", r.deployment(arn), logs.DeploymentFailed(op.ID(), c.reason))
				if slices.Contains(r.deployment(arn), logs.ImageDeployFailed) {
					t.Error("the log speaks of an image that there is not")
				}
				if work := r.shop.done()[done:]; len(work) != c.tries {
					t.Errorf("%q was done, want %d", work, c.tries)
				}
			})
		})
	}
}

// TestFullDisk_IsRelievedAndTheStepTriedAgain wherever it is met, and the error of a step that is given up says what was done.
func TestFullDisk_IsRelievedAndTheStepTriedAgain(t *testing.T) {
	full := fmt.Errorf("write layer: %w", syscall.ENOSPC)
	for name, c := range map[string]struct {
		err    error
		fails  int
		relief int64
		ended  api.OperationStatus
		says   string
	}{
		"once":            {full, 1, 1 << 30, api.OperationSucceeded, ""},
		"nothing to free": {full, 99, 0, api.OperationFailed, "build image: write layer: no space left on device. Nothing was left on the disk"},
		"during commands": {&build.Error{Reason: "It was stopped.", Cause: build.ErrDisk}, 1, 5 << 20, api.OperationFailed, "It was stopped. The disk of the data directory was full; 5 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			builds(t, func(r *rig) {
				left := c.fails
				r.shop.set(func(s *script) {
					s.relief = c.relief
					s.building = func(context.Context) error {
						if left--; left >= 0 {
							return c.err
						}
						return nil
					}
				})
				op := r.ends(r.source("web-app"), c.ended)
				if !strings.Contains(op.Failure, c.says) {
					t.Errorf("the reason is %q, want %q", op.Failure, c.says)
				}
				if !slices.Contains(r.shop.done(), "relieve") {
					t.Errorf("%q was done", r.shop.done())
				}
			})
		})
	}
}

func TestSourceFaults_AreALineEach(t *testing.T) {
	builds(t, func(r *rig) {
		r.shop.set(failing(&build.Error{Reason: "The file is not valid:\n1:1: this.\n2:2: that."}))
		arn := r.source("web-app")
		op := r.ends(arn, api.OperationFailed)
		log := r.deployment(arn)
		r.wantLines("end of the deployment", log[len(log)-3:], []string{
			logs.DeploymentFailed(op.ID(), logs.BuildFailed("The file is not valid:")), "1:1: this.", "2:2: that.",
		})
	})
}

func failing(err error) func(*script) {
	return func(s *script) { s.building = func(context.Context) error { return err } }
}

func TestCancel_EndsABuildAtOnce(t *testing.T) {
	builds(t, func(r *rig) {
		begun := make(chan struct{})
		r.shop.set(func(s *script) {
			s.building = func(ctx context.Context) error {
				close(begun)
				<-ctx.Done()
				return ctx.Err()
			}
		})
		arn := r.source("web-app")
		<-begun
		begin := time.Now()
		_, err := r.control.CancelOperation(t.Context(), caller, &api.CancelOperationRequest{ServiceArn: arn})
		r.accepted(err)
		op := r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusCreateFailed)
		if took := op.Summary.EndedAt.Sub(begin); took > time.Second || !strings.Contains(op.Failure, "cancelled by access key AKIATEST") {
			t.Errorf("it took %v and failed with %q", took, op.Failure)
		}
	})
}

// TestBuild_CutOff_IsOfTheSameCommit although the branch has moved on since: the operation has said which it deploys.
func TestBuild_CutOff_IsOfTheSameCommit(t *testing.T) {
	for place, work := range map[string][]string{
		"fetch saved": {"checkout c1", "build c1"},
		"build done":  {"checkout c1", "build c1"},
		"build saved": nil,
	} {
		t.Run(place, func(t *testing.T) {
			builds(t, func(r *rig) {
				r.endAt(api.OperationCreateService, place)
				arn := r.source("web-app")
				r.awaitEnd()
				r.shop.set(func(s *script) { s.head = "c2" })
				r = r.restart()
				r.ends(arn, api.OperationSucceeded)
				r.holds(arn, api.StatusRunning)
				r.wantLines("work of the next server", r.shop.done(), work)
				if at := r.service(arn).Deployed.Source; at.Commit != "c1" {
					t.Errorf("deployed is %s, want c1", at.Commit)
				}
			})
		})
	}
}

// TestBuild_ThatFoundAnImageThatIsGone_IsDoneAgain because images are collected while builds go on.
func TestBuild_ThatFoundAnImageThatIsGone_IsDoneAgain(t *testing.T) {
	builds(t, func(r *rig) {
		r.shop.set(func(s *script) { s.lose = times(1) })
		arn := r.source("web-app")
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
		r.wantLines("work", r.shop.done(), []string{"fetch", "build c1", "build c1"})
	})
}

// TestBuild_ThatFoundAnOldImage_MakesItYoung: what frees the disk must not take it before the operation's record protects it.
func TestBuild_ThatFoundAnOldImage_MakesItYoung(t *testing.T) {
	builds(t, func(r *rig) {
		r.shop.set(func(s *script) {
			s.lose = func() bool {
				old := time.Now().Add(-24 * time.Hour)
				records, err := filepath.Glob(filepath.Join(r.machine.dir, "images", "images", "*.json"))
				for _, path := range records {
					err = errors.Join(err, os.Chtimes(path, old, old))
				}
				if err != nil || len(records) == 0 {
					t.Errorf("of %d images: %v", len(records), err)
				}
				return false
			}
		})
		arn := r.source("web-app")
		r.ends(arn, api.OperationSucceeded)
		list, err := r.machine.images.List(t.Context())
		deployed := r.service(arn).Deployed.Image
		if err != nil || !slices.ContainsFunc(list, func(s image.Stored) bool {
			return s.Digest == deployed && time.Since(s.Used) < time.Hour
		}) {
			t.Errorf("%s was not used lately: %+v, %v", deployed, list, err)
		}
	})
}

// TestExists_AndUnderOperation are what keeps others from the checkouts of a service: a build that waits for its turn reads its own.
func TestExists_AndUnderOperation(t *testing.T) {
	builds(t, func(r *rig) {
		under := func() map[string]bool {
			ids, err := r.worker.UnderOperation(t.Context())
			r.accepted(err)
			return ids
		}
		var during map[string]bool
		r.shop.set(func(s *script) {
			s.building = func(context.Context) error { during = under(); return nil }
		})
		arn := r.source("web-app")
		r.ends(arn, api.OperationSucceeded)
		id := r.service(arn).Service.ServiceId
		if !during[id] || len(under()) != 0 {
			t.Errorf("%v are under an operation during the build of %s, and %v after it", during, id, under())
		}
		if !r.worker.Exists(t.Context(), id) || r.worker.Exists(t.Context(), "another") {
			t.Error("the service does not exist, or another does")
		}
		r.delete(arn)
		r.ends(arn, api.OperationSucceeded)
		if r.worker.Exists(t.Context(), id) {
			t.Error("the deleted service exists")
		}
	})
}

func TestAutoDeploy_TellsTheDeploymentsLogWhatItWasCausedBy(t *testing.T) {
	builds(t, func(r *rig) {
		arn := r.source("web-app")
		r.ends(arn, api.OperationSucceeded)
		_, err := r.control.AutoDeploy(t.Context(), arn, store.Cause{Trigger: logs.TriggerPush, Version: "c2"})
		r.accepted(err)
		op := r.ends(arn, api.OperationSucceeded)
		r.wantLines("deployment", r.deployment(arn)[:2], []string{logs.DeploymentStarted(op.ID(), logs.TriggerPush), logs.VersionSeen("c2")})
	})
}

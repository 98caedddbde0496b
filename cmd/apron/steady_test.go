package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/aprontest"
)

const (
	deployments = 20
	bursts      = 20 // scale-outs, each with its scale-in
	rests       = 5  // pauses, each with its resume
	upgrades    = 5
)

// TestSteadyLoad_NoRequestFailsThatNeedNot has 200 clients ask three services without a pause while one is deployed again and
// again, one is scaled out and in, one is paused and resumed, and the server is replaced under all of them. Every request is a
// POST, which no client sends a second time by itself.
func TestSteadyLoad_NoRequestFailsThatNeedNot(t *testing.T) {
	s := newSteady(t)
	s.beside(s.deployAgainAndAgain, s.scaleOutAndIn, s.pauseAndResume, s.upgradeAgainAndAgain)
	for _, svc := range []*steadyService{s.web, s.burst, s.rest} {
		t.Logf("%s: %d requests answered, %d of them 404 around a pause", svc.name, svc.answered.Load(), svc.unknown.Load())
		if svc.answered.Load() == 0 {
			t.Errorf("%s was never asked", svc.name)
		}
	}
	if s.rest.unknown.Load() == 0 {
		t.Error("nobody met the paused service; so its pauses were not tested")
	}
}

// steady is a platform under load.
type steady struct {
	*world
	web, burst, rest *steadyService

	calm     atomic.Bool // the clients of burst ask slowly
	failures atomic.Int64
}

// steadyService is one service and what its answers may be.
type steadyService struct {
	name, arn, url string

	oldest, newest atomic.Int64 // versions that may answer
	away           atomic.Int64 // odd while the service is paused or on its way there and back

	answered, unknown atomic.Int64
}

func newSteady(t *testing.T) *steady {
	s := &steady{world: newWorld(t)}
	s.web = s.run("web-app", "hello:1", nil)
	s.rest = s.run("rest-app", "hello:1", nil)
	s.burst = s.run("burst-app", "app:1", s.narrow())
	return s
}

// narrow is a configuration by which a few dozen clients are too many for one instance.
func (s *steady) narrow() *string {
	out, err := s.client.CreateAutoScalingConfiguration(s.Context(), &apprunner.CreateAutoScalingConfigurationInput{
		AutoScalingConfigurationName: aws.String("narrow"), MaxConcurrency: aws.Int32(20), MinSize: aws.Int32(1), MaxSize: aws.Int32(4),
	})
	if err != nil {
		s.Fatal(err)
	}
	return out.AutoScalingConfiguration.AutoScalingConfigurationArn
}

func (s *steady) run(name, image string, scaling *string) *steadyService {
	s.Helper()
	out, err := s.client.CreateService(s.Context(), &apprunner.CreateServiceInput{
		ServiceName:                 &name,
		SourceConfiguration:         source(image, map[string]string{"GREETING": "v0"}),
		InstanceConfiguration:       &types.InstanceConfiguration{Cpu: aws.String("256"), Memory: aws.String("512")},
		AutoScalingConfigurationArn: scaling,
		Tags:                        []types.Tag{{Key: aws.String("apron:scale-in-after"), Value: aws.String("1s")}},
	})
	if err == nil {
		err = aprontest.Succeed(s.Context(), s.client, *out.Service.ServiceArn, out.OperationId)
	}
	if err != nil {
		s.Fatalf("%v\n%s", err, s.platform.Log())
	}
	return &steadyService{name: name, arn: *out.Service.ServiceArn, url: *out.Service.ServiceUrl}
}

// beside runs the changes side by side, with the clients asking until the last one is done.
func (s *steady) beside(changes ...func(context.Context) error) {
	load, end := context.WithCancel(s.Context())
	defer end()
	var clients sync.WaitGroup
	for range 80 {
		clients.Go(func() { s.ask(load, s.web, "/", func() time.Duration { return 50 * time.Millisecond }) })
	}
	for range 60 {
		clients.Go(func() { s.ask(load, s.rest, "/", func() time.Duration { return 50 * time.Millisecond }) })
	}
	for range 60 {
		clients.Go(func() { s.ask(load, s.burst, "/slow?ms=200", s.burstPause) })
	}
	limit, cancel := context.WithTimeout(load, 15*time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for _, change := range changes {
		group.Go(func() {
			if err := change(limit); err != nil {
				s.Errorf("%v\n%s", err, s.platform.Log())
			}
		})
	}
	group.Wait()
	end()
	clients.Wait()
}

// burstPause lets all clients of burst together have one or two requests under way while it is calm.
func (s *steady) burstPause() time.Duration {
	if s.calm.Load() {
		return 6 * time.Second
	}
	return 0
}

// ask is one client with its connection.
func (s *steady) ask(ctx context.Context, svc *steadyService, path string, pause func() time.Duration) {
	client := s.platform.HTTP()
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		if err := svc.ask(ctx, client, path); err != nil && ctx.Err() == nil && s.failures.Add(1) <= 20 {
			s.Errorf("%s at %s: %v", svc.name, time.Now().Format(time.StampMilli), err)
		}
		s.wait(ctx, pause)
	}
}

// wait returns after pause, which may become shorter meanwhile.
func (s *steady) wait(ctx context.Context, pause func() time.Duration) {
	for began := time.Now(); ctx.Err() == nil && time.Since(began) < pause(); {
		select {
		case <-ctx.Done():
		case <-time.After(min(50*time.Millisecond, max(pause()-time.Since(began), 0))):
		}
	}
}

// ask sends a request and returns what is wrong with its answer.
func (svc *steadyService) ask(ctx context.Context, client *http.Client, path string) error {
	oldest, away := svc.oldest.Load(), svc.away.Load()
	// A reader that only io knows cannot be sent again, so that the transport hides no connection that was closed.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+svc.url+path, io.MultiReader(strings.NewReader("x")))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	svc.answered.Add(1)
	switch now := svc.away.Load(); {
	case resp.StatusCode == http.StatusNotFound && (now != away || now%2 == 1):
		svc.unknown.Add(1)
		return nil
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("answered %s: %.300s", resp.Status, body)
	}
	var version int64
	if n, _ := fmt.Sscanf(string(body), "v%d from", &version); n == 1 && (version < oldest || version > svc.newest.Load()) {
		return fmt.Errorf("answered by version %d when only %d to %d may", version, oldest, svc.newest.Load())
	}
	return nil
}

// deployAgainAndAgain makes each version the only one that may answer, as soon as its update has succeeded.
func (s *steady) deployAgainAndAgain(ctx context.Context) error {
	for version := range int64(deployments) {
		version++
		s.web.newest.Store(version)
		out, err := s.client.UpdateService(ctx, &apprunner.UpdateServiceInput{
			ServiceArn: &s.web.arn, SourceConfiguration: source("hello:1", map[string]string{"GREETING": fmt.Sprintf("v%d", version)}),
		})
		if err == nil {
			err = aprontest.Succeed(ctx, s.client, s.web.arn, out.OperationId)
		}
		if err != nil {
			return fmt.Errorf("deploy version %d: %w", version, err)
		}
		s.web.oldest.Store(version)
	}
	return nil
}

func (s *steady) scaleOutAndIn(ctx context.Context) error {
	for n := range bursts {
		s.calm.Store(false)
		if err := s.await(ctx, func(instances int) bool { return instances >= 3 }); err != nil {
			return fmt.Errorf("scale-out %d: %w", n+1, err)
		}
		s.calm.Store(true)
		if err := s.await(ctx, func(instances int) bool { return instances == 1 }); err != nil {
			return fmt.Errorf("scale-in %d: %w", n+1, err)
		}
	}
	return nil
}

// await waits until burst has as many healthy instances as that.
func (s *steady) await(ctx context.Context, enough func(instances int) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("burst does not come to that many instances"))
	defer cancel()
	for last := -1; ; {
		var out api.DescribeServiceUsageResponse
		text, err := s.platform.Own(ctx, "DescribeServiceUsage", map[string]any{"ServiceArn": s.burst.arn})
		if err == nil {
			err = json.Unmarshal(text, &out)
		}
		if err == nil {
			last = out.Usage.InstancesHealthy
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w; it has %d", context.Cause(ctx), last)
		case err != nil:
			return err
		case enough(last) && last == len(out.Usage.Instances):
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *steady) pauseAndResume(ctx context.Context) error {
	for range rests {
		s.rest.away.Add(1)
		paused, err := s.client.PauseService(ctx, &apprunner.PauseServiceInput{ServiceArn: &s.rest.arn})
		if err == nil {
			err = aprontest.Succeed(ctx, s.client, s.rest.arn, paused.OperationId)
		}
		if err != nil {
			return fmt.Errorf("pause: %w", err)
		}
		time.Sleep(500 * time.Millisecond) // for clients to meet it
		resumed, err := s.client.ResumeService(ctx, &apprunner.ResumeServiceInput{ServiceArn: &s.rest.arn})
		if err == nil {
			err = aprontest.Succeed(ctx, s.client, s.rest.arn, resumed.OperationId)
		}
		if err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		s.rest.away.Add(1)
		time.Sleep(time.Second)
	}
	return nil
}

func (s *steady) upgradeAgainAndAgain(ctx context.Context) error {
	for n := range upgrades {
		if text, err := s.platform.Upgrade(ctx); err != nil {
			return fmt.Errorf("upgrade %d: %w\n%s", n+1, err, text)
		}
		time.Sleep(2 * time.Second)
	}
	return nil
}

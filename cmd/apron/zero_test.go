package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
)

// newSleeper makes a world whose service falls asleep after a second without a request.
func newSleeper(t *testing.T, environ ...string) *world {
	w := newWorld(t, environ...)
	w.do(create)
	w.tag("apron:idle-timeout", "1s")
	return w
}

func (w *world) tag(pairs ...string) {
	w.Helper()
	in := &apprunner.TagResourceInput{ResourceArn: &w.arn}
	for i := 0; i < len(pairs); i += 2 {
		in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	if _, err := w.client.TagResource(w.Context(), in); err != nil {
		w.Fatal(err)
	}
}

func (w *world) untag(key string) {
	w.Helper()
	if _, err := w.client.UntagResource(w.Context(), &apprunner.UntagResourceInput{ResourceArn: &w.arn, TagKeys: []string{key}}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) usage() *api.ServiceUsage {
	w.Helper()
	var out api.DescribeServiceUsageResponse
	if err := w.own("DescribeServiceUsage", &out); err != nil {
		w.Fatal(err)
	}
	return out.Usage
}

// becomes waits until the service's usage is as wanted.
func (w *world) becomes(what string, is func(*api.ServiceUsage) bool) {
	w.Helper()
	var last *api.ServiceUsage
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if last = w.usage(); is(last) {
			return
		}
	}
	w.Fatalf("the service did not become %s; it has %+v\n%s", what, last, w.platform.Log())
}

func asleep(u *api.ServiceUsage) bool { return u.Idle && len(u.Instances) == 0 }

func healthy(n int) func(*api.ServiceUsage) bool {
	return func(u *api.ServiceUsage) bool {
		return !u.Idle && u.InstancesHealthy == n && u.InstancesWanted == n && len(u.Instances) == n
	}
}

// isRunning checks the status that clients see.
func (w *world) isRunning() {
	w.Helper()
	out, err := w.client.DescribeService(w.Context(), &apprunner.DescribeServiceInput{ServiceArn: &w.arn})
	if err != nil || out.Service.Status != types.ServiceStatusRunning {
		w.Errorf("service = %v, %v; want RUNNING", out, err)
	}
}

func TestZero_AnIdleServiceHoldsNothingAndARequestWakesIt(t *testing.T) {
	w := newSleeper(t)
	trace := w.trace()
	w.becomes("idle", asleep)
	if f := w.footprint(trace); !f.Zero() {
		t.Errorf("the idle service holds %s", f)
	}
	w.isRunning()
	w.answers(http.StatusOK)
	w.isRunning()
	w.becomes("idle again", asleep)
	w.untag("apron:idle-timeout")
	w.becomes("awake, because the tag is gone", healthy(1))
}

func TestZero_IsKeptThroughAKill(t *testing.T) {
	w := newSleeper(t)
	w.becomes("idle", asleep)
	if err := w.platform.Kill(); err != nil {
		t.Fatal(err)
	}
	w.start()
	for begin := time.Now(); time.Since(begin) < 2*time.Second; time.Sleep(100 * time.Millisecond) {
		if u := w.usage(); !asleep(u) {
			t.Fatalf("after the restart the service has %+v", u)
		}
	}
	w.isRunning()
	w.answers(http.StatusOK)
	w.becomes("idle again", asleep)
}

func TestZero_TheOperationsOfAnIdleService(t *testing.T) {
	w := newSleeper(t)
	w.becomes("idle", asleep)
	w.do(updateGreeting)
	w.isRunning()
	w.becomes("idle after the deployment", asleep)
	w.answers(http.StatusOK)

	w.becomes("idle", asleep)
	if err := updateToBroken(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	w.ends(types.OperationStatusRollbackSucceeded)
	w.becomes("idle after the rollback", asleep)
	w.answers(http.StatusOK)

	w.becomes("idle", asleep)
	w.do(pause)
	w.holds(types.ServiceStatusPaused)
	w.do(resume)
	w.answers(http.StatusOK)

	w.becomes("idle", asleep)
	w.do(pause)
	w.restart()
	w.holds(types.ServiceStatusPaused)
	w.do(resume)
	w.becomes("idle", asleep)
	w.do(remove)
	w.answers(http.StatusNotFound)
	w.hasInstances(0)
}

func TestZero_ARequestInFlightIsUse(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	w.tag("apron:idle-timeout", "1s")
	status, body, err := w.get("/slow?ms=4000")
	if err != nil || status != http.StatusOK || body != "slow" {
		t.Errorf("a request longer than the idle time = %d %q, %v", status, body, err)
	}
	w.becomes("idle", asleep)
}

// TestZero_AWakeThatFailsTellsWhy takes the image away from under the sleeping service.
func TestZero_AWakeThatFailsTellsWhy(t *testing.T) {
	w := newSleeper(t)
	w.becomes("idle", asleep)
	layers := filepath.Join(w.data, "images", "layers")
	if err := os.Rename(layers, layers+".away"); err != nil {
		t.Fatal(err)
	}
	status, body, err := w.get("/")
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(body, "is not on this machine") {
		t.Errorf("GET = %d %q, %v; want 503 with the reason\n%s", status, body, err, w.platform.Log())
	}
	w.isRunning()
	var log api.ListLogEventsResponse
	if err := w.own("ListLogEvents", &log, "Stream", "EVENTS"); err != nil {
		t.Fatal(err)
	}
	var events strings.Builder
	for _, e := range log.Events {
		events.WriteString(e.Message + "\n")
	}
	if text := events.String(); !strings.Contains(text, "The image cannot be run: image sha256:") {
		t.Errorf("the events do not say why:\n%s", text)
	}
	if err := os.Rename(layers+".away", layers); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) { // the next try may be some seconds off
		if status, body, err = w.get("/"); err == nil && status == http.StatusOK {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("with its image back the service does not come up: %d %q, %v", status, body, err)
		}
	}
}

func TestZero_FiftyServicesAreWokenAtOnce(t *testing.T) {
	const many = 50
	w := newWorld(t, fmt.Sprintf("APRON_QUOTAS=services=%d", many))
	urls := make([]string, many)
	for i := range urls {
		urls[i] = w.createSleeping(fmt.Sprintf("web-%02d", i))
	}
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		left, err := filepath.Glob(filepath.Join(w.data, "driver", "instances", "*"))
		if err == nil && len(left) == 0 {
			break
		}
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("%d instances are left, %v", len(left), err)
		}
	}
	client := w.platform.HTTP()
	var group sync.WaitGroup
	for _, url := range urls {
		group.Go(func() {
			resp, err := client.Get("http://" + url + "/")
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s answered %s", url, resp.Status)
			}
		})
	}
	group.Wait()
}

// createSleeping makes a service that falls asleep after a second, and returns its URL once it runs.
func (w *world) createSleeping(name string) (url string) {
	w.Helper()
	w.arn = ""
	w.do(func(ctx context.Context, w *world) error {
		key, value := "apron:idle-timeout", "1s"
		out, err := w.client.CreateService(ctx, &apprunner.CreateServiceInput{
			ServiceName: &name, SourceConfiguration: source("hello:1", nil), Tags: []types.Tag{{Key: &key, Value: &value}},
		})
		if err == nil {
			w.arn = *out.Service.ServiceArn
			w.know(*out.Service.ServiceUrl)
		}
		return err
	})
	return w.url
}

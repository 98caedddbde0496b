package main_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
)

// scaled has a deployment bind the service to an auto scaling configuration with these numbers.
func scaled(minSize, maxSize, concurrency int32) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		name := "numbers"
		made, err := w.client.CreateAutoScalingConfiguration(ctx, &apprunner.CreateAutoScalingConfigurationInput{
			AutoScalingConfigurationName: &name, MinSize: &minSize, MaxSize: &maxSize, MaxConcurrency: &concurrency,
		})
		if err != nil {
			return err
		}
		_, err = w.client.UpdateService(ctx, &apprunner.UpdateServiceInput{
			ServiceArn: &w.arn, AutoScalingConfigurationArn: made.AutoScalingConfiguration.AutoScalingConfigurationArn,
		})
		return err
	}
}

// burst asks for the path so many times at once, and wants every answer to be 200.
func (w *world) burst(n int, path string) {
	w.Helper()
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			if status, body, err := w.get(path); err != nil || status != http.StatusOK {
				w.Errorf("GET %s = %d %q, %v", path, status, body, err)
			}
		})
	}
	group.Wait()
}

func TestScaleOut_UnderConcurrencyAndInAgain(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	w.tag("apron:scale-in-after", "1s")
	w.do(scaled(1, 3, 2))
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.burst(6, "/slow?ms=3000")
	}()
	w.becomes("three", healthy(3))
	w.do(deploy) // loses nothing of what is scaled out, and cuts no request
	<-done
	w.becomes("one again", healthy(1))
	w.burst(6, "/slow?ms=100") // with nothing scaled out yet, they wait
}

func TestMinSize_InstancesRunAndComeBackFromZeroTogether(t *testing.T) {
	w := newWorld(t)
	w.do(createWith("app:1", nil))
	w.greeting = "hello"
	w.do(scaled(2, 3, 10))
	w.becomes("two", healthy(2))
	w.restart()
	w.becomes("two after a restart", healthy(2))
	w.tag("apron:idle-timeout", "1s")
	w.becomes("idle", asleep)
	w.answers(http.StatusOK)
	w.becomes("two", healthy(2))
}

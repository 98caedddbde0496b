package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// bench is a platform and what was measured on it.
type bench struct {
	ctx      context.Context
	platform *aprontest.Platform
	client   *apprunner.Client
	http     *http.Client
	apron    string // the program that is measured
	dir      string
	program  string // the example service, as a file on this machine
	image    string // and as an image in the platform's registry

	rows []*series
}

// on runs f on a platform of its own that has the image and nothing else.
func (b *bench) on(name string, f func() error, environ ...string) error {
	p, err := aprontest.Start(b.ctx, b.apron, filepath.Join(b.dir, name), environ)
	if err != nil {
		return err
	}
	b.platform, b.client, b.http = p, p.Client(), p.HTTP()
	err = b.push()
	if err == nil {
		err = f()
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 2*time.Minute)
	defer cancel()
	return errors.Join(err, p.Stop(end, true))
}

// push brings the image onto the platform.
func (b *bench) push() (err error) {
	img, err := aprontest.Image(b.program)
	if err != nil {
		return err
	}
	b.image, err = b.platform.Push(b.ctx, img, "hello:1")
	return err
}

// rest comes before each measurement, so that it finds the machine as a single call of a user does, and not amid what the
// one before has left to do.
const rest = 500 * time.Millisecond

// cycles measures the figures that are compared, in turns.
func (b *bench) cycles(rounds int) error {
	if _, err := b.create("warm-up"); err != nil { // the first create unpacks the image
		return err
	}
	svc, err := b.create("measured")
	if err != nil {
		return err
	}
	figures := []struct {
		name string
		f    func(*types.Service) (time.Duration, error)
	}{
		{"(a) pause: call to SUCCEEDED", b.pause},
		{"(b) resume: call to the first 200", b.resume},
		{"    the same program bare, polled alike", b.bare},
		{"(c) create, image present: call to RUNNING", b.createOnce},
		{"(d) the same program by runc, host network", b.runc},
	}
	for _, figure := range figures {
		b.rows = append(b.rows, &series{name: figure.name})
	}
	for round := range rounds {
		for i, figure := range figures {
			time.Sleep(rest)
			took, err := figure.f(svc)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w\n%s", strings.TrimSpace(figure.name), round, err, lastLines(b.platform.Log()))
			}
			b.rows[i].add(took)
		}
	}
	return nil
}

func (b *bench) input(name string) *apprunner.CreateServiceInput {
	return &apprunner.CreateServiceInput{
		ServiceName: &name,
		SourceConfiguration: &types.SourceConfiguration{ImageRepository: &types.ImageRepository{
			ImageIdentifier: &b.image, ImageRepositoryType: types.ImageRepositoryTypeEcr,
		}},
	}
}

// create makes a service and waits until it runs.
func (b *bench) create(name string) (*types.Service, error) {
	out, err := b.client.CreateService(b.ctx, b.input(name))
	if err != nil {
		return nil, err
	}
	return out.Service, aprontest.Succeed(b.ctx, b.client, *out.Service.ServiceArn, out.OperationId)
}

// createOnce measures a create, and deletes the service again.
func (b *bench) createOnce(*types.Service) (time.Duration, error) {
	begin := time.Now()
	svc, err := b.create("once")
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	out, err := b.client.DeleteService(b.ctx, &apprunner.DeleteServiceInput{ServiceArn: svc.ServiceArn})
	if err != nil {
		return 0, err
	}
	return took, aprontest.Succeed(b.ctx, b.client, *svc.ServiceArn, out.OperationId)
}

func (b *bench) pause(svc *types.Service) (time.Duration, error) {
	begin := time.Now()
	out, err := b.client.PauseService(b.ctx, &apprunner.PauseServiceInput{ServiceArn: svc.ServiceArn})
	if err != nil {
		return 0, err
	}
	err = aprontest.Succeed(b.ctx, b.client, *svc.ServiceArn, out.OperationId)
	return time.Since(begin), err
}

func (b *bench) resume(svc *types.Service) (time.Duration, error) {
	begin := time.Now()
	out, err := b.client.ResumeService(b.ctx, &apprunner.ResumeServiceInput{ServiceArn: svc.ServiceArn})
	if err != nil {
		return 0, err
	}
	if err := b.poll(b.http, "http://"+*svc.ServiceUrl+"/"); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	return took, aprontest.Succeed(b.ctx, b.client, *svc.ServiceArn, out.OperationId)
}

// pollLimit is how long a program may take to its first answer.
const pollLimit = 30 * time.Second

// poll asks until the answer is 200.
func (b *bench) poll(client *http.Client, url string) error {
	for begin := time.Now(); time.Since(begin) < pollLimit; {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-b.ctx.Done():
			return context.Cause(b.ctx)
		case <-time.After(time.Millisecond):
		}
	}
	return fmt.Errorf("no 200 from %s within %v", url, pollLimit)
}

// lastLines is the end of a log, as far as anyone reads it.
func lastLines(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

package operation_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"time"

	"apron/api"
	"apron/logs"
	"apron/operation"
	"apron/store"
)

// create asks for a service from web:1 with these variables and returns its ARN.
func (r *rig) create(name string, variables map[string]string) (arn string) {
	r.t.Helper()
	return r.createFrom("web:1", name, variables)
}

func (r *rig) createFrom(image, name string, variables map[string]string) (arn string) {
	r.t.Helper()
	out, err := r.control.CreateService(r.t.Context(), caller, &api.CreateServiceRequest{
		ServiceName: name,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: r.machine.ref(image), ImageRepositoryType: api.ImageRepositoryECR,
			ImageConfiguration: &api.ImageConfiguration{RuntimeEnvironmentVariables: variables},
		}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Service.ServiceArn
}

// running makes a service and waits until it runs.
func (r *rig) running(name string) (arn string) {
	r.t.Helper()
	arn = r.create(name, nil)
	r.ends(arn, api.OperationSucceeded)
	r.holds(arn, api.StatusRunning)
	return arn
}

// paused makes a service and pauses it.
func (r *rig) paused(name string) (arn string) {
	r.t.Helper()
	arn = r.running(name)
	r.pause(arn)
	r.ends(arn, api.OperationSucceeded)
	r.holds(arn, api.StatusPaused)
	return arn
}

func (r *rig) pause(arn string) {
	r.t.Helper()
	_, err := r.control.PauseService(r.t.Context(), caller, &api.PauseServiceRequest{ServiceArn: arn})
	r.accepted(err)
}

func (r *rig) resume(arn string) {
	r.t.Helper()
	_, err := r.control.ResumeService(r.t.Context(), caller, &api.ResumeServiceRequest{ServiceArn: arn})
	r.accepted(err)
}

func (r *rig) delete(arn string) {
	r.t.Helper()
	_, err := r.control.DeleteService(r.t.Context(), caller, &api.DeleteServiceRequest{ServiceArn: arn})
	r.accepted(err)
}

func (r *rig) deploy(arn string) {
	r.t.Helper()
	_, err := r.control.StartDeployment(r.t.Context(), caller, &api.StartDeploymentRequest{ServiceArn: arn})
	r.accepted(err)
}

// update asks for another image, such as web:2, and other variables.
func (r *rig) update(arn, name string, variables map[string]string) {
	r.t.Helper()
	_, err := r.control.UpdateService(r.t.Context(), caller, &api.UpdateServiceRequest{
		ServiceArn: arn,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: r.machine.ref(name), ImageRepositoryType: api.ImageRepositoryECR,
			ImageConfiguration: &api.ImageConfiguration{RuntimeEnvironmentVariables: variables},
		}},
	})
	r.accepted(err)
}

func (r *rig) accepted(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// ends waits for the newest operation of the service to end, and wants it to end so.
func (r *rig) ends(arn string, want api.OperationStatus) store.Operation {
	r.t.Helper()
	for limit := time.Now().Add(12 * time.Hour); time.Now().Before(limit); time.Sleep(5 * time.Second) {
		op := r.last(arn)
		if op.Summary.EndedAt == nil {
			continue
		}
		if *op.Summary.Status != want {
			r.t.Fatalf("%s ended as %s, %q; want %s", op.Type(), *op.Summary.Status, op.Failure, want)
		}
		time.Sleep(time.Second) // the images are looked through after the end
		return op
	}
	r.t.Fatalf("%s has not ended within 12 hours", r.last(arn).Type())
	return store.Operation{}
}

// last is the service's newest operation.
func (r *rig) last(arn string) (op store.Operation) {
	r.t.Helper()
	err := r.store.View(r.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Operations(arn, 0, 1)
		if err == nil {
			op = rows[0].Record
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return op
}

func (r *rig) service(arn string) (svc store.Service) {
	r.t.Helper()
	err := r.store.View(r.t.Context(), func(tx *store.Tx) (err error) {
		svc, err = tx.Service(arn)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return svc
}

// holds wants the service in this status, and the machine to agree: one instance that answers for RUNNING, none of the
// service for every other.
func (r *rig) holds(arn string, want api.ServiceStatus) {
	r.t.Helper()
	svc := r.service(arn)
	if svc.Service.Status != want {
		r.t.Errorf("service is %s, want %s", svc.Service.Status, want)
	}
	instances, status := 0, http.StatusNotFound
	if want == api.StatusRunning {
		instances, status = 1, http.StatusOK
	}
	if list := r.fleet.Instances(svc.Service.ServiceId); len(list) != instances {
		r.t.Errorf("fleet has %+v, want %d instances", list, instances)
	}
	if got, body := r.get(arn, "/"); got != status {
		r.t.Errorf("URL answers %d %q, want %d", got, body, status)
	}
}

// get asks the service's URL.
func (r *rig) get(arn, path string) (status int, body string) {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+*r.service(arn).Service.ServiceUrl+path, nil)
	w := httptest.NewRecorder()
	r.proxy.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

// serves tells whether the running version has the variable.
func (r *rig) serves(arn, variable string) {
	r.t.Helper()
	if _, env := r.get(arn, "/env"); !slices.Contains(strings.Split(env, "\n"), variable) {
		r.t.Errorf("what runs has the environment %q, want %q in it", env, variable)
	}
}

var lineHead = regexp.MustCompile(`^\S+ \[AppRunner\] `)

// events returns the lines of the service's events stream, without their times.
func (r *rig) events(arn string) []string { return r.stream(arn, logs.EventsStream) }

// deployment returns the lines of the last operation's own stream.
func (r *rig) deployment(arn string) []string {
	return r.stream(arn, logs.DeploymentStream(r.last(arn).ID()))
}

func (r *rig) stream(arn, name string) []string {
	r.t.Helper()
	lines, err := r.logs.Tail(operation.Group(r.service(arn).Service), name, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	for i, line := range lines {
		lines[i] = lineHead.ReplaceAllString(line, "")
	}
	return lines
}

func (r *rig) wantLines(what string, got, want []string) {
	r.t.Helper()
	if !slices.Equal(got, want) {
		r.t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// wantLine wants one line to hold all the parts.
func (r *rig) wantLine(what string, lines []string, parts ...string) {
	r.t.Helper()
	has := func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	}
	if !slices.ContainsFunc(lines, has) {
		r.t.Errorf("%s has no line with %q:\n  %s", what, parts, strings.Join(lines, "\n  "))
	}
}

// requirePulled wants the image to be, or not to be, on this machine.
func (r *rig) requirePulled(name string, want bool) {
	r.t.Helper()
	if _, err := r.machine.images.Image(r.t.Context(), r.machine.digests[name]); (err == nil) != want {
		r.t.Errorf("image %s: %v; want it on this machine: %t", name, err, want)
	}
}

// came returns the boundaries that operations of the type came by.
func (r *rig) came(kind api.OperationType) (places []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places {
		if place, ok := strings.CutPrefix(p, string(kind)+" "); ok {
			places = append(places, place)
		}
	}
	return places
}

// log returns what the server logged.
func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// times makes a func that is true for its first n calls.
func times(n int) func() bool {
	return func() bool { n--; return n >= 0 }
}

func broken(what string) error { return fmt.Errorf("%s is broken", what) }

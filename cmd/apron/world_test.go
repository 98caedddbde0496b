package main_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// world is a platform and the one service on it that a test is about.
type world struct {
	*testing.T
	data     string
	platform *aprontest.Platform
	client   *apprunner.Client
	arn, id  string
	url      string
	greeting string        // what the service's answers begin with
	patience time.Duration // for an operation to end; 0 is two minutes
}

// newWorld starts a platform with environ and pushes the images hello:1 and app:1.
func newWorld(t *testing.T, environ ...string) *world {
	t.Helper()
	w := &world{T: t, data: filepath.Join(t.TempDir(), "data"), greeting: "Hello"}
	w.start(environ...)
	for name, program := range map[string]string{"hello:1": programs.hello, "app:1": programs.app} {
		img, err := aprontest.Image(program)
		if err == nil {
			_, err = w.platform.Push(t.Context(), img, name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(w.stop)
	return w
}

// stop ends the world's server and instances.
func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.platform.Stop(ctx, true); err != nil {
		w.Error(err)
	}
}

// start runs a server on the world's directory.
func (w *world) start(environ ...string) {
	w.Helper()
	p, err := aprontest.Start(w.Context(), programs.apron, w.data, environ)
	if err != nil {
		w.Fatal(err)
	}
	w.platform, w.client = p, p.Client()
}

// bring makes the service and takes it to the named state.
func (w *world) bring(state string) {
	w.Helper()
	if state == "none" {
		return
	}
	w.do(create)
	if state == "paused" {
		w.do(pause)
	}
}

// do calls an action and waits until its operation has succeeded.
func (w *world) do(call func(context.Context, *world) error) {
	w.Helper()
	if err := call(w.Context(), w); err != nil {
		w.Fatalf("%v\n%s", err, w.platform.Log())
	}
	w.ends(types.OperationStatusSucceeded)
}

// ends waits for the newest operation of the service to end so.
func (w *world) ends(want types.OperationStatus) {
	w.Helper()
	w.find()
	ctx, cancel := context.WithTimeout(w.Context(), cmp.Or(w.patience, 2*time.Minute))
	defer cancel()
	list, err := w.client.ListOperations(ctx, &apprunner.ListOperationsInput{ServiceArn: &w.arn})
	if err != nil {
		w.Fatal(err)
	}
	got, err := aprontest.AwaitOperation(ctx, w.client, w.arn, *list.OperationSummaryList[0].Id)
	if err != nil || got != want {
		w.Fatalf("operation ended as %s, %v; want %s\n%s", got, err, want, w.platform.Log())
	}
}

// find learns the service's ARN from the list when its create was not answered.
func (w *world) find() {
	w.Helper()
	if w.arn != "" {
		return
	}
	list, err := w.client.ListServices(w.Context(), &apprunner.ListServicesInput{})
	if err != nil || len(list.ServiceSummaryList) != 1 {
		w.Fatalf("services = %v, %v; want the one that was created", list, err)
	}
	w.arn = *list.ServiceSummaryList[0].ServiceArn
	w.know(*list.ServiceSummaryList[0].ServiceUrl)
}

func (w *world) know(url string) {
	w.url, w.id = url, w.arn[strings.LastIndex(w.arn, "/")+1:]
}

// holds checks that the service is in this status and that the machine agrees: one instance that answers for a
// running one, nothing at all for every other.
func (w *world) holds(want types.ServiceStatus) {
	w.Helper()
	out, err := w.client.DescribeService(w.Context(), &apprunner.DescribeServiceInput{ServiceArn: &w.arn})
	if err != nil || out.Service.Status != want {
		w.Fatalf("service = %v, %v; want %s\n%s", out, err, want, w.platform.Log())
	}
	instances, status := 0, http.StatusNotFound
	if want == types.ServiceStatusRunning {
		instances, status = 1, http.StatusOK
	}
	w.answers(status)
	w.hasInstances(instances)
}

func (w *world) hasInstances(want int) {
	w.Helper()
	dirs, err := filepath.Glob(filepath.Join(w.data, "driver", "instances", "*"))
	if err != nil || len(dirs) != want {
		w.Errorf("instances = %v, %v; want %d\n%s", dirs, err, want, w.platform.Log())
	}
}

// answers asks the service's URL and wants this status, and its greeting with a 200.
func (w *world) answers(want int) {
	w.Helper()
	status, body, err := w.get("/")
	if err != nil || status != want || want == http.StatusOK && !strings.HasPrefix(body, w.greeting) {
		w.Errorf("GET %s = %d %q, %v; want %d and %q\n%s", w.url, status, body, err, want, w.greeting, w.platform.Log())
	}
}

func (w *world) get(path string) (status int, body string, err error) {
	resp, err := w.platform.HTTP().Get("http://" + w.url + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"github.com/rogpeppe/go-internal/testscript"

	"apron/api"
	"apron/operation"
)

// ownCommand calls one of apron's own actions, with members as NAME=VALUE, and prints the answer as JSON with a member a
// line, or what the server said against it.
func ownCommand(ts *testscript.TestScript, neg bool, args []string) {
	in := map[string]any{}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		in[name] = value
		if n, err := strconv.Atoi(value); err == nil {
			in[name] = n
		}
	}
	key := aws.Credentials{AccessKeyID: ts.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: ts.Getenv("AWS_SECRET_ACCESS_KEY")}
	out, err := platformOf(ts).OwnWith(context.Background(), key, args[0], in)
	if err != nil {
		ts.Stderr().Write([]byte(err.Error()))
		outcome(ts, neg, err)
		return
	}
	var answer any
	ts.Check(json.Unmarshal(out, &answer))
	text, err := json.MarshalIndent(answer, "", " ")
	ts.Check(err)
	ts.Stdout().Write(text)
	outcome(ts, neg, nil)
}

// own calls an action of apron's own on the world's service and reads the answer into out, unless that is nil.
func (w *world) own(action string, out any, members ...string) error {
	in := map[string]any{"ServiceArn": w.arn}
	for i := 0; i < len(members); i += 2 {
		in[members[i]] = members[i+1]
	}
	text, err := w.platform.Own(w.Context(), action, in)
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	return err
}

func rollback(_ context.Context, w *world) error {
	w.greeting = "Hello"
	return w.own("RollbackService", nil)
}

// cancelAnUpdate cancels one whose version never listens, while it waits for it to.
func cancelAnUpdate(ctx context.Context, w *world) error {
	if err := updateTo(ctx, w, "app:1", map[string]string{"NEVER_LISTEN": "1"}); err != nil {
		return err
	}
	w.reaches("provision")
	return w.own("CancelOperation", nil)
}

// reaches waits until the operation under way is at the step.
func (w *world) reaches(step string) {
	w.Helper()
	var out api.DescribeOperationResponse
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if err := w.own("DescribeOperation", &out, "OperationId", w.newest()); err != nil {
			w.Fatal(err)
		}
		if at := out.Operation.Step; at != nil && *at == step {
			return
		}
	}
	w.Fatalf("the operation is not at %s: %+v", step, out.Operation)
}

func (w *world) newest() string {
	w.Helper()
	list, err := w.client.ListOperations(w.Context(), &apprunner.ListOperationsInput{ServiceArn: &w.arn})
	if err != nil {
		w.Fatal(err)
	}
	return *list.OperationSummaryList[0].Id
}

// TestKill_OfARollback and of an operation that is being cancelled: TestKill_AtEveryStepBoundary has the rest.
func TestKill_OfARollback_AtEveryStepBoundary(t *testing.T) {
	for _, place := range operation.RollbackPlaces() {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bring("running")
			w.do(updateGreeting)
			w.restart("APRON_CRASH_AT=UPDATE_SERVICE " + place)
			_ = rollback(t.Context(), w) // the server may be gone before it has answered
			w.dies()
			w.start()
			w.ends(types.OperationStatusSucceeded)
			w.holds(types.ServiceStatusRunning)
		})
	}
}

func TestKill_OfACancelledUpdate_AtEveryStepBoundary(t *testing.T) {
	for _, place := range []string{"gave up", "provision undone", "finish", "finish saved"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "APRON_CRASH_AT=UPDATE_SERVICE "+place)
			w.bring("running")
			_ = cancelAnUpdate(t.Context(), w)
			w.dies()
			w.start()
			w.isCancelled()
		})
	}
}

// TestKill_AfterACancelIsAnswered leaves no time to do anything about it.
func TestKill_AfterACancelIsAnswered(t *testing.T) {
	w := newWorld(t)
	w.bring("running")
	if err := errors.Join(cancelAnUpdate(t.Context(), w), w.platform.Kill()); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.isCancelled()
}

// isCancelled wants the update to be undone because of the cancel, and the version before to run.
func (w *world) isCancelled() {
	w.Helper()
	w.ends(types.OperationStatusRollbackSucceeded)
	w.holds(types.ServiceStatusRunning)
	var out api.DescribeOperationResponse
	if err := w.own("DescribeOperation", &out, "OperationId", w.newest()); err != nil {
		w.Fatal(err)
	}
	if op := out.Operation; !op.CancelRequested || op.Reason == nil || !strings.Contains(*op.Reason, "cancelled by access key "+w.platform.Env["AWS_ACCESS_KEY_ID"]) {
		w.Errorf("the operation is %+v", op)
	}
}

// restart ends the server in order and starts the next one with environ.
func (w *world) restart(environ ...string) {
	w.Helper()
	if err := w.platform.Stop(w.Context(), false); err != nil {
		w.Fatal(err)
	}
	w.start(environ...)
}

func (w *world) dies() {
	w.Helper()
	if err := w.platform.Wait(); err != nil {
		w.Fatalf("%v\n%s", err, w.platform.Log())
	}
}

// TestUsage_OfARunningInstance is what the instance really takes.
func TestUsage_OfARunningInstance(t *testing.T) {
	w := newWorld(t)
	w.greeting = ""
	w.do(createWith("app:1", nil))
	if _, _, err := w.get("/eat?mb=48"); err != nil {
		t.Fatal(err)
	}
	var out api.DescribeServiceUsageResponse
	if err := w.own("DescribeServiceUsage", &out); err != nil {
		t.Fatal(err)
	}
	u := out.Usage
	if len(u.Instances) != 1 || u.RequestsTotal != 1 || u.RequestsInFlight != 0 || u.LastRequestAt == nil || u.MeasuredAt.IsZero() {
		t.Fatalf("usage is %+v", u)
	}
	i := u.Instances[0]
	if i.Status != api.InstanceHealthy || i.OperationId != w.newest() || i.StartedAt == nil || i.CpuNanoseconds <= 0 ||
		i.MemoryBytes < 48<<20*9/10 || i.MemoryBytes > i.MemoryLimitBytes || i.MemoryLimitBytes != 512<<20 {
		t.Errorf("the instance is %+v", i)
	}
	w.do(pause)
	if err := w.own("DescribeServiceUsage", &out); err != nil || len(out.Usage.Instances) != 0 {
		t.Errorf("usage of a paused service is %+v, %v", out.Usage, err)
	}
}

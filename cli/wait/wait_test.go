package wait_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"apron/api"
	"apron/awsjson"
	"apron/cli/wait"
)

var notFound = &awsjson.APIError{Code: "ResourceNotFoundException", Message: "Service is gone.", Status: 400}

// moment is what a platform says from a time on.
type moment struct {
	after  time.Duration
	status api.ServiceStatus
	op     *api.Operation
	err    error
}

// platform is one service that goes through moments by itself.
type platform struct {
	began   time.Time
	moments []moment
	asked   int
}

func (p *platform) now() moment {
	p.asked++
	now := p.moments[0]
	for _, m := range p.moments {
		if time.Since(p.began) >= m.after {
			now = m
		}
	}
	return now
}

func (p *platform) Service(context.Context, string) (*api.Service, error) {
	m := p.now()
	return &api.Service{ServiceName: "web-app", Status: m.status}, m.err
}

func (p *platform) Operation(context.Context, string, string) (*api.Operation, error) {
	m := p.now()
	return m.op, m.err
}

func op(t api.OperationType, s api.OperationStatus) *api.Operation {
	return &api.Operation{Id: "1", Type: t, Status: s}
}

func reasoned(t api.OperationType, s api.OperationStatus, reason string) *api.Operation {
	o := op(t, s)
	o.Reason = &reason
	return o
}

const (
	running    = api.StatusRunning
	paused     = api.StatusPaused
	inProgress = api.StatusOperationInProgress
)

// ends is how a wait is to end.
type ends struct {
	outcome wait.Outcome
	text    string // of the error
	within  time.Duration
}

var services = []struct {
	name    string
	want    wait.State
	timeout time.Duration
	moments []moment
	ends    ends
}{
	{
		name: "it is there already", want: wait.Running,
		moments: []moment{{status: running, op: op(api.OperationCreateService, api.OperationSucceeded)}},
	},
	{
		name: "it gets there", want: wait.Paused,
		moments: []moment{
			{status: inProgress, op: op(api.OperationPauseService, api.OperationInProgress)},
			{after: 3 * time.Second, status: paused, op: op(api.OperationPauseService, api.OperationSucceeded)},
		},
		ends: ends{within: 4 * time.Second},
	},
	{
		name: "the update is rolled back", want: wait.Running,
		moments: []moment{
			{status: inProgress, op: op(api.OperationUpdateService, api.OperationInProgress)},
			{after: time.Second, status: inProgress, op: op(api.OperationUpdateService, api.OperationRollbackInProgress)},
			{after: 2 * time.Second, status: running, op: reasoned(api.OperationUpdateService, api.OperationRollbackSucceeded, "Health check failed.")},
		},
		ends: ends{outcome: wait.RolledBack, within: 3 * time.Second, text: "Waiter ServiceRunning failed: Waiter encountered a terminal failure state: " +
			`For expression "Operation.Status" we matched expected path: "ROLLBACK_SUCCEEDED": Health check failed.`},
	},
	{
		name: "the deployment fails and the version before runs on", want: wait.Running,
		moments: []moment{{status: running, op: op(api.OperationStartDeployment, api.OperationFailed)}},
		ends: ends{outcome: wait.RolledBack, text: "Waiter ServiceRunning failed: Waiter encountered a terminal failure state: " +
			`For expression "Operation.Status" we matched expected path: "FAILED"`},
	},
	{
		name: "a failed pause is none of a wait for running", want: wait.Running,
		moments: []moment{{status: running, op: op(api.OperationPauseService, api.OperationFailed)}},
	},
	{
		name: "the pause fails", want: wait.Paused,
		moments: []moment{{status: running, op: op(api.OperationPauseService, api.OperationFailed)}},
		ends: ends{outcome: wait.Failed, text: "Waiter ServicePaused failed: Waiter encountered a terminal failure state: " +
			`For expression "Operation.Status" we matched expected path: "FAILED"`},
	},
	{
		name: "it can't be paused any more", want: wait.Paused,
		moments: []moment{{status: api.StatusCreateFailed, op: op(api.OperationCreateService, api.OperationFailed)}},
		ends: ends{outcome: wait.Failed, text: "Waiter ServicePaused failed: Waiter encountered a terminal failure state: " +
			`For expression "Service.Status" we matched expected path: "CREATE_FAILED"`},
	},
	{
		name: "nobody pauses it in time", want: wait.Paused, timeout: 5 * time.Second,
		moments: []moment{{status: running, op: op(api.OperationCreateService, api.OperationSucceeded)}},
		ends:    ends{outcome: wait.TimedOut, within: 5 * time.Second, text: "Waiter ServicePaused failed: Max attempts exceeded"},
	},
	{
		name: "somebody pauses it later", want: wait.Paused, timeout: 5 * time.Second,
		moments: []moment{
			{status: running, op: op(api.OperationCreateService, api.OperationSucceeded)},
			{after: 2 * time.Second, status: paused, op: op(api.OperationPauseService, api.OperationSucceeded)},
		},
		ends: ends{within: 3 * time.Second},
	},
	{
		name: "it is deleted", want: wait.Deleted,
		moments: []moment{
			{status: inProgress, op: op(api.OperationDeleteService, api.OperationInProgress)},
			{after: time.Second, status: api.StatusDeleted, op: op(api.OperationDeleteService, api.OperationSucceeded)},
		},
		ends: ends{within: 2 * time.Second},
	},
	{
		name: "it is deleted and forgotten", want: wait.Deleted,
		moments: []moment{{err: notFound}},
	},
	{
		name: "what is gone can't run", want: wait.Running,
		moments: []moment{{err: notFound}},
		ends:    ends{outcome: wait.Failed, text: "Waiter ServiceRunning failed: An error occurred (ResourceNotFoundException): Service is gone."},
	},
	{
		name: "the server restarts meanwhile", want: wait.Paused,
		moments: []moment{
			{status: inProgress, op: op(api.OperationPauseService, api.OperationInProgress)},
			{after: time.Second, err: io.ErrUnexpectedEOF},
			{after: 20 * time.Second, status: paused, op: op(api.OperationPauseService, api.OperationSucceeded)},
		},
		ends: ends{within: 21 * time.Second},
	},
}

func TestService_EndsAsTheServiceDoes(t *testing.T) {
	for _, c := range services {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{began: time.Now(), moments: c.moments}
				_, err := wait.Wait{Source: p, Timeout: c.timeout}.Service(t.Context(), "arn", c.want)
				check(t, p, err, c.ends)
			})
		})
	}
}

func check(t *testing.T, p *platform, err error, want ends) {
	t.Helper()
	if took := time.Since(p.began); took > want.within {
		t.Errorf("it took %v, want at most %v", took, want.within)
	}
	outcome, text := wait.Succeeded, ""
	if e, ok := errors.AsType[*wait.Error](err); ok {
		outcome, text = e.Outcome, e.Error()
	} else if err != nil {
		t.Fatal(err)
	}
	if outcome != want.outcome || text != want.text {
		t.Errorf("it ended as %v with %q\nwant %v with %q", outcome, text, want.outcome, want.text)
	}
}

func TestOperation_EndsAsTheOperationDoes(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		moments []moment
		ends    ends
	}{
		{
			name: "it succeeds",
			moments: []moment{
				{op: op(api.OperationPauseService, api.OperationPending)},
				{after: time.Second, op: op(api.OperationPauseService, api.OperationInProgress)},
				{after: 2 * time.Second, op: op(api.OperationPauseService, api.OperationSucceeded)},
			},
			ends: ends{within: 3 * time.Second},
		},
		{
			name:    "it fails",
			moments: []moment{{op: reasoned(api.OperationCreateService, api.OperationFailed, "No such image.")}},
			ends: ends{outcome: wait.Failed, text: "Waiter OperationSucceeded failed: Waiter encountered a terminal failure state: " +
				`For expression "Operation.Status" we matched expected path: "FAILED": No such image.`},
		},
		{
			name:    "it is rolled back, and that fails too",
			moments: []moment{{op: op(api.OperationUpdateService, api.OperationRollbackFailed)}},
			ends: ends{outcome: wait.Failed, text: "Waiter OperationSucceeded failed: Waiter encountered a terminal failure state: " +
				`For expression "Operation.Status" we matched expected path: "ROLLBACK_FAILED"`},
		},
		{
			name:    "it takes too long",
			timeout: time.Minute,
			moments: []moment{{op: op(api.OperationUpdateService, api.OperationInProgress)}},
			ends:    ends{outcome: wait.TimedOut, within: time.Minute, text: "Waiter OperationSucceeded failed: Max attempts exceeded"},
		},
		{
			name:    "there is none",
			moments: []moment{{}},
			ends:    ends{outcome: wait.Failed, text: "Waiter OperationSucceeded failed: The service has no operation 1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{began: time.Now(), moments: c.moments}
				_, err := wait.Wait{Source: p, Timeout: c.timeout}.Operation(t.Context(), "arn", "1")
				check(t, p, err, c.ends)
			})
		})
	}
}

// TestWait_StopsWithItsContext wants the context's own error, so that nobody takes it for the operation's.
func TestWait_StopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := &platform{began: time.Now(), moments: []moment{{op: op(api.OperationPauseService, api.OperationInProgress)}}}
		_, err := wait.Wait{Source: p, Timeout: time.Hour}.Operation(ctx, "arn", "1")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

// TestWait_GivesUpAServerThatIsAway does so at once where it has never answered, and after a while where it has.
func TestWait_GivesUpAServerThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{began: time.Now(), moments: []moment{{err: io.EOF}}}
		if _, err := (wait.Wait{Source: p}).Operation(t.Context(), "arn", "1"); !errors.Is(err, io.EOF) || p.asked != 1 {
			t.Errorf("got %v after %d questions, want io.EOF after 1", err, p.asked)
		}
		p = &platform{began: time.Now(), moments: []moment{
			{op: op(api.OperationPauseService, api.OperationInProgress)}, {after: time.Second, err: io.EOF},
		}}
		troubled := false
		w := wait.Wait{Source: p, Progress: func(p wait.Progress) { troubled = troubled || p.Trouble == io.EOF && p.Operation != nil }}
		if _, err := w.Operation(t.Context(), "arn", "1"); !errors.Is(err, io.EOF) || !troubled {
			t.Errorf("got %v, trouble shown: %v; want io.EOF, shown before", err, troubled)
		}
		if took := time.Since(p.began); took < wait.Patience || took > wait.Patience+2*time.Second {
			t.Errorf("it was given up after %v, want a little more than %v", took, wait.Patience)
		}
	})
}

// TestWait_AsksOftenAtFirst holds what a wait costs a server: little, and no more than two questions a second later on.
func TestWait_AsksOftenAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{began: time.Now(), moments: []moment{{op: op(api.OperationPauseService, api.OperationInProgress)}}}
		_, _ = wait.Wait{Source: p, Timeout: 100 * time.Millisecond}.Operation(t.Context(), "arn", "1")
		if p.asked < 4 {
			t.Errorf("it asked %d times in a tenth of a second", p.asked)
		}
		p.asked = 0
		_, _ = wait.Wait{Source: p, Timeout: time.Minute}.Operation(t.Context(), "arn", "1")
		if p.asked > 135 {
			t.Errorf("it asked %d times in a minute", p.asked)
		}
	})
}

// TestProgress_NamesTheStep has what a line shows behind "pausing web-app".
func TestProgress_NamesTheStep(t *testing.T) {
	steps := []api.OperationStep{{Name: "drain"}, {Name: "stop"}}
	under := func(status api.OperationStatus, step string) *api.Operation {
		return &api.Operation{Status: status, Step: &step, Steps: steps}
	}
	for want, p := range map[string]wait.Progress{
		"":                {},
		": stop (2 of 2)": {Operation: under(api.OperationInProgress, "stop")},
		": undo stop, going back to the version before": {Operation: under(api.OperationRollbackInProgress, "undo stop")},
		": the server does not answer; asking again":    {Operation: under(api.OperationInProgress, "stop"), Trouble: io.EOF},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := (wait.Progress{Operation: under(api.OperationSucceeded, "stop")}).String(); got != "" {
		t.Errorf("an operation that has ended shows %q", got)
	}
}

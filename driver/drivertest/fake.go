package drivertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"apron/driver"
)

// Fault is what goes wrong with one instance of the fake driver. The zero value is a good start.
type Fault struct {
	StartErr   error         // Start answers this and makes nothing
	StartDelay time.Duration // how long Start takes
	Env        []string      // added to the instance's own: the switches of testapp
}

// Fake keeps the driver contract in memory. Each instance is testapp behind an in-memory network, so that a
// testing/synctest bubble around it has its own time. Methods refuse to work before Recover was called.
type Fake struct {
	*fakeMachine
	mu        sync.Mutex
	recovered bool
}

var (
	_ driver.Driver  = (*Fake)(nil)
	_ driver.Changer = (*Fake)(nil)
)

// fakeMachine is what outlives a server: the Fakes before and after a restart share it.
type fakeMachine struct {
	dir        string // one directory below for each instance that has written something
	mu         sync.Mutex
	instances  map[string]*fakeInstance
	calls      []string
	fault      func(driver.Spec) Fault
	destroyErr func(id string) error
}

// NewFake returns a driver over a fresh machine without instances. What still runs at the end of the test is
// killed then, so that no goroutine outlives it.
func NewFake(tb testing.TB) *Fake {
	m := &fakeMachine{dir: tb.TempDir(), instances: map[string]*fakeInstance{}}
	tb.Cleanup(func() {
		for _, i := range m.all() {
			i.kill(driver.Exit{Code: 137, Signal: int(syscall.SIGKILL)})
			<-i.ended
		}
	})
	return &Fake{fakeMachine: m}
}

// Restart is the driver of the next server process: it sees the same instances, once Recover was called.
func (f *Fake) Restart() *Fake { return &Fake{fakeMachine: f.fakeMachine} }

// SetFault has fault decide, from now on, what goes wrong with each instance that is started.
func (m *fakeMachine) SetFault(fault func(driver.Spec) Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

// SetDestroyError has Destroy answer what failure returns for the id, when it is not nil, and remove nothing.
func (m *fakeMachine) SetDestroyError(failure func(id string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.destroyErr = failure
}

// Kill ends a running instance from outside, as the kernel does.
func (m *fakeMachine) Kill(id string, exit driver.Exit) {
	if i := m.find(id); i != nil {
		i.kill(exit)
		<-i.ended
	}
}

// MakePartial leaves what a Start leaves behind that was cut off by the end of the server.
func (m *fakeMachine) MakePartial(spec driver.Spec) {
	i := newFakeInstance(spec, filepath.Join(m.dir, spec.ID))
	i.state = driver.Partial
	close(i.ended)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.instances[spec.ID] = i
}

// Calls lists the calls that changed something, in order: "start ID", "stop ID", "destroy ID", "cpu UNITS ID".
func (m *fakeMachine) Calls() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// IDs lists the instances on the machine, in whatever state, sorted.
func (m *fakeMachine) IDs() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.instances))
}

func (f *Fake) Start(ctx context.Context, spec driver.Spec) error {
	if err := f.ready(ctx); err != nil {
		return err
	}
	fault, err := f.claim(spec)
	if err != nil {
		return err
	}
	if err := f.launch(ctx, spec, fault); err != nil {
		f.forget(spec.ID)
		return err
	}
	return nil
}

func (f *Fake) Stop(ctx context.Context, id string, grace time.Duration) error {
	if err := f.ready(ctx); err != nil {
		return err
	}
	i := f.note("stop", id)
	if i == nil {
		return nil
	}
	i.terminate()
	select {
	case <-i.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(grace):
	}
	i.kill(driver.Exit{Code: 137, Signal: int(syscall.SIGKILL)})
	<-i.ended
	return nil
}

func (f *Fake) Destroy(ctx context.Context, id string) error {
	if err := f.ready(ctx); err != nil {
		return err
	}
	i := f.note("destroy", id)
	if i == nil {
		return nil
	}
	if err := f.destroyError(id); err != nil {
		return err
	}
	i.kill(driver.Exit{Code: 137, Signal: int(syscall.SIGKILL)})
	<-i.ended
	if err := os.RemoveAll(i.dir); err != nil {
		return err
	}
	f.forget(id)
	return nil
}

func (f *Fake) Recover(ctx context.Context) ([]driver.Instance, error) {
	f.mu.Lock()
	again := f.recovered
	f.recovered = true
	f.mu.Unlock()
	if again {
		return nil, errors.New("fake driver: Recover was called twice")
	}
	var list []driver.Instance
	for _, i := range f.all() {
		list = append(list, i.inspect())
	}
	return list, ctx.Err()
}

func (f *Fake) Wait(ctx context.Context, id string) (driver.Exit, error) {
	i, err := f.look(ctx, id)
	if err != nil {
		return driver.Exit{}, err
	}
	select {
	case <-i.ended:
		return i.inspect().Exit, nil
	case <-ctx.Done():
		return driver.Exit{}, context.Cause(ctx)
	}
}

func (f *Fake) Inspect(ctx context.Context, id string) (driver.Instance, error) {
	i, err := f.look(ctx, id)
	if err != nil {
		return driver.Instance{}, err
	}
	return i.inspect(), nil
}

// SetCPU notes "cpu ID" with the units among the calls, and has Inspect tell them.
func (f *Fake) SetCPU(ctx context.Context, id string, units int) error {
	i, err := f.look(ctx, id)
	if err != nil {
		return err
	}
	f.note(fmt.Sprintf("cpu %d", units), id)
	i.setCPU(units)
	return nil
}

func (f *Fake) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	i, err := f.look(ctx, id)
	if err != nil {
		return nil, err
	}
	return i.net.dial(ctx, fmt.Sprint(port))
}

func (f *Fake) ready(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.recovered {
		return errors.New("fake driver: Recover must be called first")
	}
	return context.Cause(ctx)
}

func (f *Fake) look(ctx context.Context, id string) (*fakeInstance, error) {
	if err := f.ready(ctx); err != nil {
		return nil, err
	}
	if i := f.find(id); i != nil {
		return i, nil
	}
	return nil, driver.ErrNotFound
}

// claim makes the instance known before it exists, as a record on disk does.
func (m *fakeMachine) claim(spec driver.Spec) (Fault, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.instances[spec.ID] != nil {
		return Fault{}, driver.ErrExists
	}
	m.calls = append(m.calls, "start "+spec.ID)
	m.instances[spec.ID] = newFakeInstance(spec, filepath.Join(m.dir, spec.ID))
	if m.fault == nil {
		return Fault{}, nil
	}
	return m.fault(spec), nil
}

func (m *fakeMachine) launch(ctx context.Context, spec driver.Spec, fault Fault) error {
	i := m.find(spec.ID)
	if i == nil {
		return errors.New("destroyed while it was started")
	}
	err := fault.StartErr
	// A shell is taken for the program that it makes way for: build.Command has it so.
	if len(spec.Command) > 0 && !slices.Contains([]string{"/app", "/bin/sh"}, spec.Command[0]) {
		err = &driver.ImageError{Reason: fmt.Sprintf("the image has no program %q", spec.Command[0])}
	}
	select {
	case <-time.After(fault.StartDelay):
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err == nil {
		err = i.launch(fault.Env)
	}
	if err != nil {
		i.abandon()
	}
	return err
}

func (m *fakeMachine) note(verb, id string) *fakeInstance {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, verb+" "+id)
	return m.instances[id]
}

func (m *fakeMachine) destroyError(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.destroyErr == nil {
		return nil
	}
	return m.destroyErr(id)
}

func (m *fakeMachine) find(id string) *fakeInstance {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.instances[id]
}

func (m *fakeMachine) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.instances, id)
}

func (m *fakeMachine) all() []*fakeInstance {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.instances))
}

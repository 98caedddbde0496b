// Package drivertest holds what every driver.Driver is held to: Run, one suite of claims for all drivers; the
// application they are tested with; and Fake, a driver that keeps the contract in memory, for the tests of those
// who call drivers. Only tests may import it.
package drivertest

import (
	"context"
	"testing"

	"apron/driver"
)

// Harness is what a driver's own test hands to Run.
type Harness struct {
	// New returns a driver over fresh state, Recover not yet called. It cleans up after the test.
	New func(t *testing.T) driver.Driver

	// Restart returns a new driver over the same state, as after a restart of the server, Recover not yet
	// called. The old one is not used again.
	Restart func(t *testing.T, d driver.Driver) driver.Driver

	// MakePartial leaves what a Start leaves behind that was cut off by kill -9. Nil skips those claims.
	MakePartial func(t *testing.T, d driver.Driver, spec driver.Spec)

	// Image is the digest of an image with BuildApp's layer and the CMD ["/app"].
	Image string

	// Skip names claims that cannot be tested here, with the reason, which is printed.
	Skip map[string]string
}

// Port is where the test application listens, in every instance at once: each has a loopback of its own.
const Port = 8080

type claim struct {
	name string
	test func(*testing.T, *bench)
}

var claims = []claim{
	{"Start then Dial serves", startServes},
	{"Start with an ID twice is ErrExists", startTwice},
	{"Stop sends TERM and waits", stopTerminates},
	{"Stop kills after the grace", stopKills},
	{"Stop and Destroy twice succeed", repeatStopAndDestroy},
	{"Stop keeps the instance until Destroy", stopKeeps},
	{"Wait returns the exit code", waitReturnsCode},
	{"Wait sees an end that happened before Wait", waitAfterEnd},
	{"Wait ends with its context", waitCancelled},
	{"Unknown instances are ErrNotFound", unknownInstance},
	{"Dial to a port nobody listens on is ECONNREFUSED", dialRefused},
	{"Dial after Destroy is ErrNotFound", dialAfterDestroy},
	{"Logs get stdout and stderr", logsBoth},
	{"Env and PORT arrive", envArrives},
	{"Command replaces CMD", commandReplaces},
	{"Recover finds running instances which still serve", recoverRunning},
	{"Recover after an end reports Ended", recoverEnded},
	{"Recover reports what a cut off Start left", recoverPartial},
	{"Stop works on a recovered instance", recoverThenStop},
	{"Destroy of a running instance removes it", destroyRunning},
	{"Inspect tells what a running instance uses", reportsUsage},
	{"SetCPU changes what a running instance may use", setsCPU},
	{"Going over the memory is OOM", reportsOOM},
	{"A full disk is an error of the instance alone", fullDisk},
	{"NoEgress leaves the loopback alone", noEgress},
	{"A build runs over its layers and its changes are handed out", buildChanges},
	{"What a build puts into a mount stays there", buildMounts},
	{"Changes of what runs or is gone are refused", changesRefused},
	{"Recover knows a build", recoverBuild},
	{"A missing program is an ImageError and leaves nothing", missingProgram},
	{"Many instances start in parallel", startMany},
	{"A context cancelled during Start leaves nothing", startCancelled},
}

// Run tests every claim of the contract, each as a subtest on a driver of its own.
func Run(t *testing.T, h Harness) {
	known := map[string]bool{}
	for _, c := range claims {
		known[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			if reason, skip := h.Skip[c.name]; skip {
				t.Skip(reason)
			}
			c.test(t, newBench(t, h))
		})
	}
	for name := range h.Skip {
		if !known[name] {
			t.Errorf("Skip names %q, which is no claim of the suite", name)
		}
	}
}

func newBench(t *testing.T, h Harness) *bench {
	b := &bench{Harness: h, t: t, ctx: t.Context(), Driver: h.New(t)}
	if found := b.recover(); len(found) != 0 {
		t.Fatalf("a fresh driver holds %v", found)
	}
	return b
}

func (b *bench) restart() []driver.Instance {
	b.Driver = b.Restart(b.t, b.Driver)
	return b.recover()
}

func (b *bench) recover() []driver.Instance {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	found, err := b.Driver.Recover(ctx)
	if err != nil {
		b.t.Fatal("Recover:", err)
	}
	return found
}

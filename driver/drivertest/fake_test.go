package drivertest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"apron/driver"
	"apron/driver/drivertest"
)

func TestFake_KeepsTheContract(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		New: func(t *testing.T) driver.Driver { return drivertest.NewFake(t) },
		Restart: func(_ *testing.T, d driver.Driver) driver.Driver {
			return d.(*drivertest.Fake).Restart()
		},
		MakePartial: func(_ *testing.T, d driver.Driver, spec driver.Spec) {
			d.(*drivertest.Fake).MakePartial(spec)
		},
		Image: "sha256:any",
	})
}

// An hour's request in a synctest bubble shows that nothing in the fake needs real time or real sockets.
func TestFake_RunsInSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := drivertest.NewFake(t)
		if _, err := fake.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{StartDelay: time.Minute, Env: []string{"START_DELAY_MS=1000"}}
		})
		start := time.Now()
		spec := driver.Spec{ID: "a", Env: []string{"PORT=80"}, LogPath: filepath.Join(t.TempDir(), "log")}
		if err := fake.Start(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return fake.Dial(ctx, "a", 80) },
		}}
		resp, err := client.Get("http://instance/slow?ms=3600000")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "slow" {
			t.Errorf("body %q", body)
		}
		if took := time.Since(start); took != time.Hour+time.Minute+time.Second {
			t.Errorf("took %v", took)
		}
	})
}

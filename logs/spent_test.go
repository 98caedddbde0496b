package logs_test

import (
	"testing"
	"time"

	"apron/logs"
)

func TestBuiltIn_IsAsPreciseAsAnybodyReads(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 1600 * time.Microsecond: "2 ms", 999 * time.Millisecond: "999 ms", 2940 * time.Millisecond: "2.9 s",
		999600 * time.Microsecond: "1.0 s", 59 * time.Second: "59.0 s", 59960 * time.Millisecond: "1 min 0 s", 60 * time.Second: "1 min 0 s", 250*time.Second + 600*time.Millisecond: "4 min 11 s",
	} {
		if got := logs.BuiltIn(d, nil); got != "Built in "+want+"." {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestDeployedIn_LeavesOutWhatTookNoTime(t *testing.T) {
	parts := []logs.Part{{"fetch", 12 * time.Millisecond}, {"route", 90 * time.Microsecond}, {"build", 3 * time.Second}}
	if got, want := logs.DeployedIn(3012*time.Millisecond, parts), "Deployed in 3.0 s: fetch 12 ms, build 3.0 s."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

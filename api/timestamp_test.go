package api

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTimestampIsANumberOfSeconds(t *testing.T) {
	tests := map[string]struct {
		at   time.Time
		wire string
	}{
		"milliseconds":        {time.UnixMilli(1606156014374), "1606156014.374"},
		"whole second":        {time.Unix(1606156014, 0), "1606156014"},
		"leading zeros":       {time.UnixMilli(1606156014007), "1606156014.007"},
		"nanoseconds are cut": {time.Unix(1606156014, 374999999), "1606156014.374"},
		"epoch":               {time.Unix(0, 0), "0"},
		"before the epoch":    {time.UnixMilli(-1500), "-1.500"},
		"just before epoch":   {time.UnixMilli(-1), "-0.001"},
		"another time zone":   {time.UnixMilli(1606156014374).In(time.FixedZone("", 3600)), "1606156014.374"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(At(tt.at))
			if err != nil || string(b) != tt.wire {
				t.Fatalf("got %s, %v; want %s", b, err, tt.wire)
			}
			var back Timestamp
			if err := json.Unmarshal(b, &back); err != nil || back != At(tt.at) {
				t.Errorf("read back %v, %v; want %v", back, err, At(tt.at))
			}
		})
	}
}

func TestTimestampDecodes(t *testing.T) {
	want := At(time.UnixMilli(1606156014374))
	for _, wire := range []string{"1606156014.374", "1.606156014374e9", "1606156014.3741"} {
		var got Timestamp
		if err := json.Unmarshal([]byte(wire), &got); err != nil || got != want {
			t.Errorf("%s: got %v, %v", wire, got, err)
		}
	}
	for _, wire := range []string{`"2020-11-23T18:26:54Z"`, "1e300", "-1e15", "true", "[]"} {
		var got Timestamp
		if err := json.Unmarshal([]byte(wire), &got); err == nil {
			t.Errorf("%s was read as %v", wire, got)
		}
	}
}

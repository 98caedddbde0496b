package api_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"apron/api"
)

func TestInvalidRequests_SayAllInOneMessage(t *testing.T) {
	long := strings.Repeat("é", 250) + "."
	for name, c := range map[string]struct {
		faults []string
		want   string
	}{
		"one":      {[]string{"Port 0 isn't a port. Give another."}, "Port 0 isn't a port. Give another."},
		"two":      {[]string{"A.", "B. C."}, "2 validation errors detected: A; B. C"},
		"too long": {[]string{long, long, long, "D."}, "4 validation errors detected: " + long[:500] + "; " + long[:500] + "; and 2 more"},
	} {
		t.Run(name, func(t *testing.T) {
			err := api.InvalidRequests(c.faults)
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("error = %v, want %s", err, c.want)
			}
			if n := utf8.RuneCountInString(c.want); n > 600 {
				t.Errorf("%d characters", n)
			}
		})
	}
	if err := api.InvalidRequests(nil); err != nil {
		t.Errorf("no faults are %v", err)
	}
}

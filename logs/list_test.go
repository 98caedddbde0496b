package logs

import (
	"slices"
	"testing"
	"time"
)

func TestServices_AreThoseWithStreams_AndUsageAddsThemUp(t *testing.T) {
	l, err := Open(t.TempDir(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	one, two := Service{"web-app", "0123"}, Service{"other", "4567"}
	for _, svc := range []Service{one, one, two} {
		if err := l.Append(svc, EventsStream, SourceAppRunner, "text"); err != nil {
			t.Fatal(err)
		}
	}
	list, err := l.Services()
	if want := []Service{two, one}; err != nil || !slices.Equal(list, want) {
		t.Errorf("the services are %v, %v; want %v", list, err, want)
	}
	twice, last, err := l.Usage(one)
	once, _, err2 := l.Usage(two)
	if err != nil || err2 != nil || once < 20 || twice != 2*once || time.Since(last) > time.Minute {
		t.Errorf("%d and %d bytes, the last at %v, %v, %v", twice, once, last, err, err2)
	}
	if err := l.Remove(one); err != nil {
		t.Fatal(err)
	}
	if bytes, last, err := l.Usage(one); bytes != 0 || !last.IsZero() || err != nil {
		t.Errorf("of what is gone there are %d bytes, %v, %v", bytes, last, err)
	}
}

package awsjson

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apron/api"
)

// inMemory is a transport to a handler, without a network, so that a bubble's clock can pass.
type inMemory http.HandlerFunc

func (f inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	f(answer, r)
	return answer.Result(), nil
}

func answering(status int) inMemory {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// counting counts the requests, and when they came.
func counting(next http.RoundTripper, times *[]time.Time) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		*times = append(*times, time.Now())
		return next.RoundTrip(r)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDo_WaitsLongerAndLongerUpToTwentySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		c := &Client{Endpoint: "http://h", HTTP: &http.Client{Transport: counting(answering(503), &times)}, Retry: Retry{MaxAttempts: 12}}
		_, err := c.Do(t.Context(), "PauseService", nil)
		if want := "An error occurred (503) when calling the PauseService operation (reached max retries: 11): Service Unavailable"; err == nil || err.Error() != want {
			t.Fatalf("%v", err)
		}
		longest := time.Duration(0)
		for i := range 11 {
			delay, ceiling := times[i+1].Sub(times[i]), min(time.Second<<i, 20*time.Second)
			if delay > ceiling {
				t.Errorf("delay %d is %s", i, delay)
			}
			longest = max(longest, delay)
		}
		if longest < time.Second { // one in 10^15
			t.Errorf("the longest delay is %s", longest)
		}
	})
}

func TestDo_StopsWhenTheQuotaIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		transport := counting(answering(500), &times)
		c := &Client{Endpoint: "http://h", HTTP: &http.Client{Transport: transport}, Retry: Retry{MaxAttempts: 1000}}
		_, err := c.Do(t.Context(), "PauseService", nil)
		if e, ok := errors.AsType[*APIError](err); !ok || e.MaxRetriesReached || e.Retries != 100 || len(times) != 101 {
			t.Errorf("%d requests: %v", len(times), err)
		}
		if _, err := c.Do(t.Context(), "PauseService", nil); err == nil || len(times) != 102 {
			t.Errorf("%d requests: %v", len(times), err)
		}
		c.HTTP.Transport = answering(200)
		for range 5 { // five successes pay for one retry
			if _, err := c.Do(t.Context(), "PauseService", nil); err != nil {
				t.Fatal(err)
			}
		}
		c.HTTP.Transport = transport
		if _, err := c.Do(t.Context(), "PauseService", nil); err == nil || len(times) != 104 {
			t.Errorf("%d requests: %v", len(times), err)
		}
	})
}

func TestDo_PaysMoreForTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		slow := roundTrip(func(r *http.Request) (*http.Response, error) {
			return nil, &ConnectionError{Kind: FaultReadTimeout, URL: r.URL.String()}
		})
		c := &Client{Endpoint: "http://h", HTTP: &http.Client{Transport: counting(slow, &times)}, Retry: Retry{MaxAttempts: 1000}}
		_, err := c.Do(t.Context(), "PauseService", nil)
		if err == nil || err.Error() != `Read timeout on endpoint URL: "http://h/"` || len(times) != 51 {
			t.Errorf("%d requests: %v", len(times), err)
		}
	})
}

func TestDo_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := &Client{Endpoint: "http://h", HTTP: &http.Client{Transport: answering(503)}, Retry: Retry{MaxAttempts: 100}}
		start := time.Now()
		if _, err := c.Do(ctx, "PauseService", nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestDo_AdaptiveSlowsDownTheNextAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		throttle := inMemory(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"ThrottlingException"}`)
		})
		c := &Client{Endpoint: "http://h", HTTP: &http.Client{Transport: counting(throttle, &times)}, Retry: Retry{"adaptive", 1}}
		for range 3 {
			if _, err := c.Do(t.Context(), "PauseService", nil); err == nil {
				t.Fatal("no error")
			}
		}
		if first, second := times[1].Sub(times[0]), times[2].Sub(times[1]); first != 2*time.Second || second < time.Second {
			t.Errorf("waited %s and %s", first, second)
		}
	})
}

func TestDo_AsksForCredentialsBeforeEveryAttemptAndOnceWhenThereAreNone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=again/") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	keys := []string{"first", "again"}
	c := &Client{Endpoint: server.URL, pause: func(context.Context, time.Duration) error { return nil }}
	c.Credentials = func(context.Context) (Credentials, error) {
		key := keys[0]
		keys = keys[1:]
		return Credentials{AccessKeyID: key}, nil
	}
	if reply, err := c.Do(t.Context(), "PauseService", nil); err != nil || reply.Retries != 1 || reply.Status != 200 {
		t.Errorf("%+v, %v", reply, err)
	}
	none := errors.New("Unable to locate credentials")
	asked := 0
	c.Credentials = func(context.Context) (Credentials, error) { asked++; return Credentials{}, none }
	if _, err := c.Do(t.Context(), "PauseService", nil); err != none || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestCall_RefusesWhatIsNoAnswer(t *testing.T) {
	c := &Client{Endpoint: "http://h", HTTP: &http.Client{Transport: inMemory(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") })}}
	_, err := Call[api.ListServicesRequest, api.ListServicesResponse](t.Context(), c, "ListServices", &api.ListServicesRequest{})
	if err == nil || !strings.Contains(err.Error(), "Is that address App Runner's API?") {
		t.Errorf("%v", err)
	}
	for _, endpoint := range []string{"", "h", "127.0.0.1:1", "ftp://h", "http://", "http://h:x", "http:///p"} {
		c := &Client{Endpoint: endpoint}
		if _, err := c.Do(t.Context(), "ListServices", nil); err == nil || err.Error() != "Invalid endpoint: "+endpoint {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

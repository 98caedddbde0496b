package tags_test

import (
	"strings"
	"testing"
	"time"

	"apron/tags"
)

func TestRead_SaysWhatEveryTagSays(t *testing.T) {
	got, err := tags.Read(map[string]string{
		"apron:access-log": "off", "apron:body-limit": "10MiB", "apron:cpu-idle": "always", "apron:idle-timeout": "90s",
		"apron:protocol": "h2c", "apron:queue": "7", "apron:queue-time": "1m", "apron:request-timeout": "5m",
		"apron:scale-in-after": "3m", "team": "apron:queue", "Apron:queue": "x",
	})
	want := tags.Settings{
		IdleTimeout: 90 * time.Second, ScaleInAfter: 3 * time.Minute, CPUAlways: true, RequestTimeout: 5 * time.Minute,
		Queue: 7, QueueTime: time.Minute, BodyLimit: 10 << 20, H2C: true, NoAccessLog: true,
	}
	if err != nil || got != want {
		t.Errorf("Read = %+v, %v; want %+v", got, err, want)
	}
}

func TestRead_TakesTheWordsForTheDefaultsAsNone(t *testing.T) {
	got, err := tags.Read(map[string]string{
		"apron:access-log": "on", "apron:body-limit": "off", "apron:cpu-idle": "throttle", "apron:idle-timeout": "off", "apron:protocol": "http1",
	})
	if err != nil || got != (tags.Settings{}) {
		t.Errorf("Read = %+v, %v; want nothing set", got, err)
	}
}

func TestRead_PassesOverWhatItDoesNotKnow(t *testing.T) {
	got, err := tags.Read(map[string]string{"apron:queue": "7", "apron:of-tomorrow": "1", "apron:queue-time": "soon"})
	if got != (tags.Settings{Queue: 7}) {
		t.Errorf("Read = %+v, want the queue alone", got)
	}
	for _, key := range []string{"apron:of-tomorrow", "apron:queue-time"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("the error is %v and should name %s", err, key)
		}
	}
}

func TestCheck_RefusesMalformedValues(t *testing.T) {
	for key, values := range map[string][]string{
		"access-log":      {"", "ON", "yes"},
		"body-limit":      {"", "0", "-1", "1.5MiB", "10MB", "10 MiB", "MiB", "2048GiB", "9999999999999999999"},
		"cpu-idle":        {"", "never"},
		"idle-timeout":    {"", "0", "0s", "10", "-1m", "999ms", "721h", "ten minutes"},
		"protocol":        {"http2", "grpc"},
		"queue":           {"", "0", "-1", "1e3", "10001"},
		"queue-time":      {"0s", "61m", "off"},
		"request-timeout": {"0s", "25h", "off"},
		"scale-in-after":  {"0s", "25h"},
	} {
		for _, value := range values {
			err := tags.Check(tags.Prefix+key, value)
			if err == nil || !strings.Contains(err.Error(), "apron:"+key) || !strings.Contains(err.Error(), "such as") {
				t.Errorf("%s=%q: %v; want a refusal with the tag and an example", key, value, err)
			}
		}
	}
}

func TestCheck_NamesTheKeyThatWasMeant(t *testing.T) {
	for key, want := range map[string]string{
		"apron:idle-timout": "apron:idle-timeout", "apron:IdleTimeout": "apron:idle-timeout", "apron:requesttimeout": "apron:request-timeout",
		"apron:queue-tme": "apron:queue-time", "apron:cpu": "", "apron:": "", "apron:something-else": "",
	} {
		err := tags.Check(key, "1")
		if err == nil {
			t.Errorf("%s is accepted", key)
			continue
		}
		_, meant, offered := strings.Cut(err.Error(), "Did you mean ")
		if offered != (want != "") || !strings.HasPrefix(meant, want) {
			t.Errorf("%s: %v; want %q offered", key, err, want)
		}
	}
}

func TestCheck_LeavesTheUsersOwnTagsAlone(t *testing.T) {
	for _, key := range []string{"team", "apron", "Apron:x", "my-apron:x", "aws-apron:"} {
		if err := tags.Check(key, "anything"); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

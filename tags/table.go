package tags

import (
	"strconv"
	"strings"
	"time"
)

// row is one setting: its name after the prefix, what its value may be and an example, for errors, and what reads it. set
// returns false for a value that it does not take.
type row struct {
	name, form, example string
	set                 func(s *Settings, value string) bool
}

const day = 24 * time.Hour

// table is in the order of the names, as errors list them.
var table = []row{
	{"access-log", "on or off", "off",
		func(s *Settings, v string) bool { return choose(&s.NoAccessLog, v, "on", "off") }},
	{"body-limit", "a size in bytes or with one of KiB, MiB and GiB, or off", "10MiB",
		func(s *Settings, v string) bool { return size(&s.BodyLimit, v) }},
	{"cpu-idle", "throttle or always", "always",
		func(s *Settings, v string) bool { return choose(&s.CPUAlways, v, "throttle", "always") }},
	{"idle-timeout", "a duration from 1s to 720h, or off", "10m",
		func(s *Settings, v string) bool { return v == "off" || duration(&s.IdleTimeout, v, 30*day) }},
	{"protocol", "http1 or h2c", "h2c",
		func(s *Settings, v string) bool { return choose(&s.H2C, v, "http1", "h2c") }},
	{"queue", "a number of requests from 1 to 10000", "500",
		func(s *Settings, v string) bool { return number(&s.Queue, v, 10_000) }},
	{"queue-time", "a duration from 1s to 1h", "10s",
		func(s *Settings, v string) bool { return duration(&s.QueueTime, v, time.Hour) }},
	{"request-timeout", "a duration from 1s to 24h", "5m",
		func(s *Settings, v string) bool { return duration(&s.RequestTimeout, v, day) }},
	{"scale-in-after", "a duration from 1s to 24h", "2m",
		func(s *Settings, v string) bool { return duration(&s.ScaleInAfter, v, day) }},
}

// choose sets what the second of two words says.
func choose(set *bool, value, first, second string) bool {
	*set = value == second
	return value == first || value == second
}

func duration(set *time.Duration, value string, most time.Duration) bool {
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second || d > most {
		return false
	}
	*set = d
	return true
}

func number(set *int, value string, most int) bool {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return false
	}
	*set = n
	return true
}

// units of a size; the last one is what a plain number has.
var units = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"", 1}}

// size takes whole numbers from 1 byte to a TiB.
func size(set *int64, value string) bool {
	if value == "off" {
		return true
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(value, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 1 || n > (1<<40)/u.bytes {
			return false
		}
		*set = n * u.bytes
		return true
	}
	return false
}

package param

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"apron/cli/document"
)

// Timestamps is the form in which a Response has moments of time.
type Timestamps int

const (
	ISO8601 Timestamps = iota // in the zone of the machine, with its offset
	Wire                      // as the API sent them
)

// ParseTimestamps reads the setting cli_timestamp_format.
func ParseTimestamps(setting string) (Timestamps, error) {
	switch setting {
	case "iso8601":
		return ISO8601, nil
	case "wire":
		return Wire, nil
	}
	//lint:ignore ST1005 the words are those of the AWS CLI
	return 0, fmt.Errorf(`Unknown cli_timestamp_format value: %s, valid values are "wire" or "iso8601"`, setting)
}

// timestamp takes seconds since 1970, as a number or a text, and dates.
func (f Timestamps) timestamp(v any) (any, error) {
	if f == Wire {
		return v, nil
	}
	switch t := v.(type) {
	case float64:
		return seconds(t, v)
	case int64:
		return moment(t, 0, v)
	case *big.Int:
		return nil, errPlatform
	case bool:
		return moment(number(t).Int64(), 0, v)
	case string:
		if f, ok := parseFloat(t); ok {
			return seconds(f, v)
		}
		return date(t)
	}
	//lint:ignore ST1005 the words are those of the AWS CLI
	return nil, fmt.Errorf("Invalid timestamp \"%s\": Parser must be a string or character stream, not %s", document.Str(v), document.Type(v))
}

var errPlatform = errors.New("timestamp out of range for platform time_t")

// parseFloat reads the numbers that texts may be; not a number is none here.
func parseFloat(text string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimFunc(text, document.IsSpace), 64)
	return f, (err == nil || errors.Is(err, strconv.ErrRange)) && !math.IsNaN(f) && !strings.ContainsAny(text, "xX_")
}

// seconds writes seconds since 1970, which are told to millionths; written is what stood in the answer.
func seconds(f float64, written any) (any, error) {
	switch {
	case math.IsNaN(f):
		//lint:ignore ST1005 the words are those of the AWS CLI
		return nil, errors.New("Invalid value NaN (not a number)")
	case math.Abs(f) >= math.MaxInt64:
		return nil, errPlatform
	}
	whole, part := math.Modf(f)
	return moment(int64(whole), int64(math.RoundToEven(part*1e6)), written)
}

func moment(whole, micros int64, written any) (any, error) {
	const year = 31556952
	t := time.Unix(whole, micros*1000)
	switch y := whole/year + 1970; {
	case y > math.MaxInt32 || y < math.MinInt32:
		//lint:ignore ST1005 the words are those of the AWS CLI
		return nil, fmt.Errorf(`Unable to calculate correct timezone offset for "%s"`, document.Str(written))
	case y < -1 || y > 10001 || t.UTC().Year() < 1 || t.UTC().Year() > 9999:
		return nil, fmt.Errorf("year %d is out of range", t.UTC().Year())
	}
	return format(local(t), true), nil
}

// local puts a moment into the zone of the machine as the AWS CLI does, which takes that zone's offsets of this year for
// those of all years.
func local(t time.Time) time.Time {
	year := time.Now().Year()
	zone := machineZone()
	_, january := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC).In(zone).Zone()
	_, july := time.Date(year, time.July, 2, 0, 0, 0, 0, time.UTC).In(zone).Zone()
	offset := min(january, july)
	if t.In(zone).IsDST() {
		offset = max(january, july)
	}
	return t.In(time.FixedZone("", offset))
}

// format is Python's isoformat: fractions only where there are some, and then six digits.
func format(t time.Time, zone bool) string {
	layout := "2006-01-02T15:04:05"
	if t.Nanosecond() >= 1000 {
		layout += ".000000"
	}
	if zone {
		layout += "-07:00"
	}
	return t.Format(layout)
}

// layouts are the dates that an answer may have instead of seconds; where they have no zone the result has none.
var layouts = []struct {
	layout string
	zone   bool
}{
	{"2006-01-02T15:04:05Z07:00", true}, {"2006-01-02T15:04:05-0700", true}, {"2006-01-02T15:04:05-07", true}, {"2006-01-02T15:04:05", false},
	{"2006-01-02T15:04Z07:00", true}, {"2006-01-02T15:04", false}, {"2006-01-02", false},
	{"20060102T150405Z0700", true}, {"20060102T150405", false},
	{"Mon, 02 Jan 2006 15:04:05 GMT", true}, {"Mon, 2 Jan 2006 15:04:05 -0700", true},
}

func date(text string) (any, error) {
	if text == "" {
		//lint:ignore ST1005 the words are those of the AWS CLI
		return nil, errors.New(`Invalid timestamp "": String does not contain a date: `)
	}
	for _, l := range layouts {
		for _, separated := range []string{l.layout, strings.Replace(l.layout, "T", " ", 1)} {
			if t, err := time.Parse(separated, text); err == nil {
				return format(t, l.zone), nil
			}
		}
	}
	//lint:ignore ST1005 the words are those of the AWS CLI
	return nil, fmt.Errorf("Invalid timestamp \"%[1]s\": Unknown string format: %[1]s", text)
}

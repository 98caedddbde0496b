package api

import (
	"errors"
	"math"
	"strconv"
	"time"
)

// Timestamp is a point in time at the wire's precision, one millisecond. In JSON it is a number of seconds since
// 1970-01-01 UTC with at most three decimals, such as 1606156014.374: aws-sdk-go-v2 refuses strings. Make one with
// At; two Timestamps made by At or by decoding are == when they are the same instant. The zero value is year 1 and
// counts as absent in Validate.
type Timestamp struct{ time.Time }

// At returns t in UTC, cut to the millisecond.
func At(t time.Time) Timestamp { return Timestamp{time.UnixMilli(t.UnixMilli()).UTC()} }

// MarshalJSON writes epoch seconds; it never fails.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	ms := t.UnixMilli()
	if ms%1000 == 0 {
		return strconv.AppendInt(nil, ms/1000, 10), nil
	}
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	b := strconv.AppendInt([]byte(sign), ms/1000, 10)
	frac := strconv.Itoa(int(1000 + ms%1000))
	return append(append(b, '.'), frac[1:]...), nil
}

// maxEpoch is the last second of year 9999; what lies beyond cannot be printed as an ISO date.
const maxEpoch = 253402300799

// UnmarshalJSON accepts a JSON number, with or without fraction or exponent, up to year 9999 either side of 1970;
// null leaves t as it is.
func (t *Timestamp) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	parsed, err := parseTimestamp(string(b))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

func parseTimestamp(number string) (Timestamp, error) {
	seconds, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > maxEpoch {
		return Timestamp{}, errors.New("expected a timestamp as a number of seconds since 1970, such as 1606156014.374")
	}
	return Timestamp{time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()}, nil
}

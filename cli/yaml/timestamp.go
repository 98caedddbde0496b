package yaml

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"

	"apron/cli/document"
)

// timestampParts has, in this order: year, month, day, hour, minute, second, fraction, sign, hours and minutes of the zone.
var timestampParts = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})` +
		`(?:\.([0-9]*))?(?:[ \t]*(?:Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?$`)
})

// timestamp makes a date, or a date and time in UTC that does not say so, as ruamel.yaml does.
func timestamp(n *yaml.Node) (any, error) {
	parts := timestampParts().FindStringSubmatch(n.Value)
	if parts == nil {
		return nil, &SyntaxError{Problem: fmt.Sprintf(`failed to construct timestamp from "%s"`, n.Value), Line: n.Line}
	}
	at := make([]int, len(parts))
	for i, p := range parts {
		at[i], _ = strconv.Atoi(p) // an absent part is 0
	}
	if err := checkDate(at[1], at[2], at[3]); err != nil {
		return nil, err
	}
	if parts[4] == "" {
		repr := fmt.Sprintf("datetime.date(%d, %d, %d)", at[1], at[2], at[3])
		return document.Foreign{Class: "datetime.date", Repr: repr, Text: fmt.Sprintf("%04d-%02d-%02d", at[1], at[2], at[3])}, nil
	}
	if err := checkTime(at[4], at[5], at[6]); err != nil {
		return nil, err
	}
	micro, carried := microseconds(parts[7])
	t := time.Date(at[1], time.Month(at[2]), at[3], at[4], at[5], at[6], micro*1000, time.UTC)
	t = t.Add(-offset(parts[8], at[9], at[10], carried))
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, ValueError("date value out of range")
	}
	return datetime(t), nil
}

// offset is what local time is ahead of UTC. A fraction that was rounded up to a second adds one to it where there is a
// zone, which is ruamel.yaml's mistake.
func offset(sign string, hours, minutes int, carried bool) time.Duration {
	d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if carried {
		d += time.Second
	}
	switch {
	case sign == "-" || sign == "" && carried:
		return -d
	case sign == "":
		return 0
	}
	return d
}

// microseconds rounds the digits behind the point, and reports whether that makes a whole second.
func microseconds(digits string) (micro int, carried bool) {
	if digits == "" {
		return 0, false
	}
	micro, _ = strconv.Atoi((digits + "00000")[:6])
	if len(digits) > 6 && digits[6] > '4' {
		micro++
	}
	if micro > 999999 {
		return 0, true
	}
	return micro, false
}

func checkDate(year, month, day int) error {
	switch {
	case year < 1:
		return ValueError(fmt.Sprintf("year %d is out of range", year))
	case month < 1 || month > 12:
		return ValueError("month must be in 1..12")
	case day < 1 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day:
		return ValueError("day is out of range for month")
	}
	return nil
}

func checkTime(hour, minute, second int) error {
	switch {
	case hour > 23:
		return ValueError("hour must be in 0..23")
	case minute > 59:
		return ValueError("minute must be in 0..59")
	case second > 59:
		return ValueError("second must be in 0..59")
	}
	return nil
}

func datetime(t time.Time) document.Foreign {
	parts := []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute()}
	micro := t.Nanosecond() / 1000
	text := t.Format("2006-01-02 15:04:05")
	if micro > 0 {
		text += fmt.Sprintf(".%06d", micro)
	}
	if t.Second() > 0 || micro > 0 {
		parts = append(parts, t.Second())
	}
	if micro > 0 {
		parts = append(parts, micro)
	}
	repr := "datetime.datetime(" + strings.Trim(strings.ReplaceAll(fmt.Sprint(parts), " ", ", "), "[]") + ")"
	return document.Foreign{Class: "datetime.datetime", Repr: repr, Text: text}
}

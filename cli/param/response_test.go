package param_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/cli/document"
	"apron/cli/param"
)

// times are what answers may have for moments of time.
var times = []any{
	int64(0), int64(1605899125), 1605899125.0, 1606225297.123, 1606225297.1234567, 1606225297.9999999, -1.5, 1e9 + 0.5e-6, int64(-62135596800), int64(253402300799),
	"1605899125", "1605899125.25", "2020-11-20T19:05:25Z", "2020-11-20T19:05:25.123Z", "2020-11-20T19:05:25.1234567+05:30", "2020-11-20 19:05:25", "2020-11-20T19:05", "2020-11-20",
	"20201120T190525Z", "Fri, 20 Nov 2020 19:05:25 GMT", "2020-07-01T00:00:00-0400", "hello", "",
}

var impossible = []any{
	int64(1605899125000), 1e13, 1e17, 1e30, int64(math.MaxInt64), math.NaN(), math.Inf(1), "nan", "inf", true, "1e3", []any{}, &document.Map{}, int64(-62135596801), int64(253402300800),
}

var bodies = []string{
	"", "null", "[]", "1", `"x"`, "{", "not json", "{\"S\":1}\xff", "\xc3", "\xc3(", "\xe2\x82", "\xe2\x82(", "\xf0\x9f\x98", "\xed\xa0\x80", "\xf5", "a\x80", "\xe0\x80", "\xf0\x80", "\xf4\x90\x80\x80", "\xf1\x80\x80x",
	strings.Repeat("[", 2000), `{"S":` + strings.Repeat(`{"a":`, 2000), `{"T": 123456789012345678901234567890}`, `{"I": 123456789012345678901234567890}`, `{"S": null, "Nowhere": 1}`, `{"Li": "ab"}`, `{"Li": 1}`, `{"Li": {"a": 1}}`, `{"Li": [null]}`, `{"M": []}`, `{"One": []}`, `{"One": "x"}`, `{"E": 1}`, `{"E": {"a": 1}}`, `{"M": {"a": null}}`, `{"Ls": [null, {}]}`,
}

func response(s shape, kind, body string) question {
	form, err := param.ParseTimestamps(kind)
	if err != nil {
		panic(err)
	}
	v, err := param.Response([]byte(body), s.Shape, form)
	return question{Kind: kind, Model: s.model, Shape: s.Name, Value: surrogates(body), Go: shown(v, err)}
}

// surrogates is a text as Python carries one that is no UTF-8.
type surrogates string

func (s surrogates) MarshalJSON() ([]byte, error) {
	text := []byte{'"'}
	for i := 0; i < len(s); i++ {
		const hex = "0123456789abcdef"
		lead := "\\u00"
		if s[i] >= 0x80 {
			lead = "\\udc"
		}
		text = append(text, lead...)
		text = append(text, hex[s[i]>>4], hex[s[i]&15])
	}
	return append(text, '"'), nil
}

func TestResponse_AgreesOnOddBodies(t *testing.T) {
	all := everything(t)
	var questions []question
	for _, body := range bodies {
		questions = append(questions, response(all, "iso8601", body), response(all, "wire", body))
	}
	compare(t, questions)
}

func TestResponse_AgreesOnGeneratedBodies(t *testing.T) {
	_, tops := shapes(t, true)
	seeded(t, func(t *testing.T, g generator) {
		inZone(t, "UTC")
		var questions []question
		for i := range 1200 {
			s := tops[i%len(tops)]
			body := document.JSON(g.structure(s.Shape, 0), 0, g.IntN(2) == 0)
			q := response(s, []string{"wire", "iso8601"}[i/len(tops)%2], body)
			q.Zone = "UTC"
			questions = append(questions, q)
		}
		compare(t, questions)
	})
}

func TestResponse_AgreesOnMoments(t *testing.T) {
	all := everything(t)
	var questions []question
	for _, zone := range []string{"UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "JST-9", "<+0330>-3:30", "CET-1CEST,M3.5.0,M10.5.0/3", "NZST-12NZDT,M9.5.0,M4.1.0/3", ":Europe/Paris", "nowhere"} {
		inZone(t, zone)
		ask := func(member string, v any) {
			q := response(all, "iso8601", document.JSON(document.NewMap(member, v), 0, true))
			q.Zone = zone
			questions = append(questions, q)
		}
		for _, moment := range slices.Concat(times, impossible) {
			if at, ok := moment.(int64); zone == "UTC" || !ok || at > -1e9 && at < 4e9 { // at the ends of time Python overflows
				ask("T", moment)
			}
		}
		for month := range 24 {
			ask("Lt", []any{time.Date(2025, time.Month(month), 11, 12, 30, 0, 0, time.UTC).Unix()})
		}
	}
	compare(t, questions)
}

// inZone puts this process into a zone until the test ends.
func inZone(t *testing.T, zone string) {
	t.Helper()
	location := param.Zone(zone)
	if location == nil {
		var err error
		if location, err = time.LoadLocation(strings.TrimPrefix(zone, ":")); err != nil {
			t.Fatalf("%v: Debian's tzdata is needed", err)
		}
	}
	before := time.Local
	time.Local = location
	t.Cleanup(func() { time.Local = before })
}

func TestParseTimestamps_RefusesOthers(t *testing.T) {
	_, err := param.ParseTimestamps("none")
	if want := `Unknown cli_timestamp_format value: none, valid values are "wire" or "iso8601"`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

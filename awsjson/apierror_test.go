package awsjson

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"unicode/utf8"
)

func FuzzParseReply(f *testing.F) {
	for _, answers := range canned {
		for _, text := range answers {
			f.Add(400, []byte(text), "")
		}
	}
	f.Add(500, []byte(" <html>"), "A;Sender")
	f.Add(200, []byte("null"), "")
	f.Fuzz(func(t *testing.T, status int, body []byte, compatible string) {
		r := &Reply{Status: status, Header: http.Header{"X-Amzn-Query-Error": {compatible}}, Body: slices.Clone(body)}
		err := parseReply(r, "PauseService")
		_, unreadable := errors.AsType[*ParseError](err)
		refusal, refused := errors.AsType[*APIError](err)
		switch {
		case err != nil && !unreadable && !refused:
			t.Errorf("the error is %T", err)
		case status >= 300 && err == nil:
			t.Error("a failure was taken for a success")
		case status < 300 && refused:
			t.Errorf("a success was taken for %v", err)
		case !utf8.Valid(body) && refused && !generic(r):
			t.Errorf("%q was read as %v", body, err)
		case refused && refusal.Status != status:
			t.Errorf("status %d became %d", status, refusal.Status)
		}
	})
}

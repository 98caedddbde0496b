package awsjson

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"apron/api"
)

func TestAnonymousRequests(t *testing.T) {
	var got api.Caller
	list := func(_ context.Context, c api.Caller, _ *api.ListServicesRequest) (*api.ListServicesResponse, error) {
		got = c
		return &api.ListServicesResponse{}, nil
	}
	url, _ := start(t, Config{
		Actions:        map[string]Handler{"ListServices": Handle(list)},
		AllowAnonymous: true, AnonymousAccount: "000000000001", AnonymousRegion: "eu-west-1",
	})
	tests := map[string]struct {
		change func(*http.Request)
		want   api.Caller
	}{
		"signed":          {func(*http.Request) {}, api.Caller{Account: testAccount, Region: "us-east-1", AccessKeyID: testKey}},
		"unsigned":        {func(r *http.Request) { r.Header.Del("Authorization") }, api.Caller{Account: "000000000001", Region: "eu-west-1"}},
		"wrong signature": {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20150830T123600Z") }, api.Caller{Account: "000000000001", Region: "us-east-1"}},
		"strange region": {func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "../etc", 1))
		}, api.Caller{Account: "000000000001", Region: "eu-west-1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, url, "ListServices", `{}`)
			tt.change(r)
			a := send(t, r)
			got.RequestID = ""
			if a.status != 200 || got != tt.want {
				t.Errorf("got %d %s as %+v, want %+v", a.status, a.body, got, tt.want)
			}
		})
	}
	page := newRequest(t, url, "ListServices", `{}`)
	page.Header.Del("Authorization")
	page.Header.Set("Origin", "http://localhost:3000")
	if a := send(t, page); a.status != 403 || a.errorType != "AccessDeniedException" {
		t.Errorf("a page's request got %+v", a)
	}
}

package awsjson

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestServerUnpacksGzip(t *testing.T) {
	url, _ := start(t, Config{Actions: map[string]Handler{"DescribeService": Handle(echo)}})
	plain := `{"ServiceArn":"` + testARN + `"}`
	bomb := `{"ServiceArn":"` + strings.Repeat("x", 2*maxBody) + `"}`
	cutOff := gzipped(t, plain)[:30]
	tests := map[string]struct {
		body   string
		status int
		want   string
	}{
		"fits":             {gzipped(t, plain), 200, testARN},
		"unpacks to 2 MiB": {gzipped(t, bomb), 413, "RequestEntityTooLargeException"},
		"cut off":          {cutOff, 400, "MalformedHttpRequestException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, url, "DescribeService", tt.body)
			r.Header.Set("Content-Encoding", "gzip")
			sign(t, r, tt.body)
			if a := send(t, r); a.status != tt.status || !strings.Contains(a.body, tt.want) {
				t.Errorf("got %d %.200s", a.status, a.body)
			}
		})
	}
}

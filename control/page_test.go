package control

import (
	"strings"
	"testing"

	"apron/api"
)

var pager = &Control{cfg: Config{TokenKey: []byte("0123456789abcdef0123456789abcdef")}}

var someone = api.Caller{Account: "123456789012", Region: "us-east-1"}

func tokenOf(t testing.TB, after int64, what ...string) string {
	t.Helper()
	p, err := pager.page(someone, nil, nil, what...)
	if err != nil {
		t.Fatal(err)
	}
	return p.token(after)
}

func TestPage_RefusesTokensOfAnythingElse(t *testing.T) {
	token := tokenOf(t, 7, "ListOperations", "arn:a")
	other := *pager
	other.cfg.TokenKey = []byte("another key")
	tests := map[string]struct {
		c      *Control
		caller api.Caller
		token  string
		what   []string
	}{
		"another action":       {pager, someone, token, []string{"ListServices", "arn:a"}},
		"another parameter":    {pager, someone, token, []string{"ListOperations", "arn:b"}},
		"parameters run on":    {pager, someone, token, []string{"ListOperationsarn:a"}},
		"another account":      {pager, api.Caller{Account: "210987654321", Region: "us-east-1"}, token, []string{"ListOperations", "arn:a"}},
		"another region":       {pager, api.Caller{Account: "123456789012", Region: "eu-west-1"}, token, []string{"ListOperations", "arn:a"}},
		"another server's key": {&other, someone, token, []string{"ListOperations", "arn:a"}},
		"cut":                  {pager, someone, token[:len(token)-1], []string{"ListOperations", "arn:a"}},
		"longer":               {pager, someone, token + "A", []string{"ListOperations", "arn:a"}},
		"another place":        {pager, someone, "AQAAAAAAAAAI" + token[12:], []string{"ListOperations", "arn:a"}},
		"nothing":              {pager, someone, "", []string{"ListOperations", "arn:a"}},
		"no base64":            {pager, someone, strings.Repeat("!", len(token)), []string{"ListOperations", "arn:a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := tt.c.page(tt.caller, &tt.token, nil, tt.what...); err == nil {
				t.Error("the token is accepted")
			}
		})
	}
}

// FuzzPageToken looks for a text that is accepted although no token that was handed out reads so.
func FuzzPageToken(f *testing.F) {
	for _, seed := range []string{"", "djE6MQ", tokenOf(f, 0, "L"), tokenOf(f, 1, "L"), tokenOf(f, 1, "M"), tokenOf(f, 1<<62, "L")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		p, err := pager.page(someone, &token, nil, "L")
		if err == nil && p.token(p.after) != token {
			t.Errorf("%q is accepted and %q was handed out", token, p.token(p.after))
		}
	})
}

package control

import (
	"testing"

	"apron/api"
)

func TestQuotas_AreReadAllOrNone(t *testing.T) {
	tests := map[string]struct {
		text string
		want Quotas
		fail bool
	}{
		"one":            {text: "services=100", want: Quotas{Services: 100, Connections: 2}},
		"two":            {text: "services=100, connections=0", want: Quotas{Services: 100}},
		"unknown":        {text: "services=100,servers=1", want: Quotas{Services: 1, Connections: 2}, fail: true},
		"no number":      {text: "services=many", want: Quotas{Services: 1, Connections: 2}, fail: true},
		"negative":       {text: "services=-1", want: Quotas{Services: 1, Connections: 2}, fail: true},
		"without number": {text: "services", want: Quotas{Services: 1, Connections: 2}, fail: true},
		"nothing":        {text: "", want: Quotas{Services: 1, Connections: 2}, fail: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			q := Quotas{Services: 1, Connections: 2}
			if err := q.Set(tt.text); (err != nil) != tt.fail || q != tt.want {
				t.Errorf("quotas are %+v, %v", q, err)
			}
		})
	}
}

func TestQuotas_AreReadAsTheyArePrinted(t *testing.T) {
	q, again := DefaultQuotas(), Quotas{}
	if err := again.Set(q.String()); err != nil || again != q {
		t.Errorf("%s reads as %+v, %v", q.String(), again, err)
	}
}

func TestUnderQuota_KnowsEveryName(t *testing.T) {
	c := New(Config{Quotas: Quotas{}})
	for _, n := range new(Quotas).names() {
		if e, ok := c.underQuota(n.name, 0, "things").(*api.Error); !ok || e.Kind != api.KindQuotaExceeded {
			t.Errorf("%s: %v", n.name, e)
		}
	}
}

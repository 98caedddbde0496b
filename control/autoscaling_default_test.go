package control

import (
	"testing"

	"apron/api"
	"apron/store"
	"apron/store/storetest"
)

func TestAutoScaling_FindsWhatAServiceIsToHave(t *testing.T) {
	s := storetest.Open(t)
	c := New(Config{Store: s, Quotas: DefaultQuotas()})
	if err := c.ensureDefault(t.Context(), someone); err != nil {
		t.Fatal(err)
	}
	provided := providedARN(someone, api.ResourceAutoScalingConfiguration)
	invalid := func(arn string) string {
		return "The auto scaling configuration ARN you specified isn't valid. ARN: '" + arn + "'"
	}
	revision2, elsewhere := provided, provided
	revision2.Revision, elsewhere.Region = 2, "eu-west-1"
	for name, tt := range map[string]struct {
		arn  *string
		want string // the text of the error, if any
	}{
		"none":             {nil, ""},
		"full":             {new(provided.String()), ""},
		"name":             {new(unrevised(provided).String()), ""},
		"unknown revision": {new(revision2.String()), invalid(revision2.String())},
		"another region":   {new(elsewhere.String()), invalid(elsewhere.String())},
		"malformed":        {new("none"), invalid("none")},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.View(t.Context(), func(tx *store.Tx) error {
				found, err := autoScaling(tx, someone, tt.arn)
				if err == nil && *found.AutoScalingConfigurationArn != provided.String() {
					t.Errorf("found %s", *found.AutoScalingConfigurationArn)
				}
				return err
			})
			var got string
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("error is %q, want %q", got, tt.want)
			}
		})
	}
}

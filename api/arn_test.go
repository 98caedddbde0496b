package api

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

const testID = "0123456789abcdef0123456789abcdef"

func TestARNsAreReadAndWritten(t *testing.T) {
	base := "arn:aws:apprunner:eu-west-1:123456789012:"
	tests := map[string]ARN{
		"service/web-app/" + testID:                   {Kind: ResourceService, Name: "web-app", ID: testID},
		"connection/git_hub/" + testID:                {Kind: ResourceConnection, Name: "git_hub", ID: testID},
		"connection/git_hub":                          {Kind: ResourceConnection, Name: "git_hub"},
		"autoscalingconfiguration/high/3/" + testID:   {Kind: ResourceAutoScalingConfiguration, Name: "high", Revision: 3, ID: testID},
		"autoscalingconfiguration/high/3":             {Kind: ResourceAutoScalingConfiguration, Name: "high", Revision: 3},
		"autoscalingconfiguration/high":               {Kind: ResourceAutoScalingConfiguration, Name: "high"},
		"observabilityconfiguration/xray/1/" + testID: {Kind: ResourceObservabilityConfiguration, Name: "xray", Revision: 1, ID: testID},
		"observabilityconfiguration/xray":             {Kind: ResourceObservabilityConfiguration, Name: "xray"},
		"vpcconnector/vpc1/1/" + testID:               {Kind: ResourceVpcConnector, Name: "vpc1", Revision: 1, ID: testID},
		"vpcingressconnection/ingr/" + testID:         {Kind: ResourceVpcIngressConnection, Name: "ingr", ID: testID},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			want.Region, want.Account = "eu-west-1", "123456789012"
			got, err := ParseARN(base + text)
			if err != nil || got != want {
				t.Fatalf("got %+v, %v", got, err)
			}
			if got.String() != base+text {
				t.Errorf("written as %s", got)
			}
			if got.Partial() != (want.ID == "") {
				t.Errorf("Partial() = %t", got.Partial())
			}
			if _, err := ParseARN(base+text, want.Kind); err != nil {
				t.Errorf("refused when its kind is asked for: %v", err)
			}
			if err := Validate(&TagResourceRequest{ResourceArn: got.String(), Tags: []Tag{}}); err != nil {
				t.Errorf("the model refuses it: %v", err)
			}
		})
	}
}

func TestARNsThatAreRefused(t *testing.T) {
	base := "arn:aws:apprunner:us-east-1:123456789012:"
	const form = "expected the form arn:aws:apprunner:REGION:ACCOUNT:service/NAME/ID"
	tests := map[string]struct{ arn, want string }{
		"nothing":          {"", form},
		"a name":           {"web-app", form},
		"another service":  {"arn:aws:iam::123456789012:role/x", form},
		"no id":            {base + "service/web-app", form},
		"short name":       {base + "service/web/" + testID, form},
		"upper-case id":    {base + "service/web-app/" + strings.ToUpper(testID), form},
		"more parts":       {base + "service/web-app/" + testID + "/x", form},
		"revision":         {base + "service/web-app/1/" + testID, form},
		"line end":         {testARN + "\n", form},
		"unknown kind":     {base + "cluster/web-app/" + testID, form},
		"other partition":  {strings.Replace(testARN, "arn:aws:", "arn:aws-cn:", 1), form},
		"kind not allowed": {base + "connection/git-hub/" + testID, "names a connection; this parameter takes an ARN of the form arn:aws:apprunner:REGION:ACCOUNT:service/NAME/ID"},
		"absurdly long":    {base + "service/" + strings.Repeat("x", 5000), form},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { wantRefusal(t, tt.arn, tt.want, ResourceService) })
	}
	const partial = "expected the form arn:aws:apprunner:REGION:ACCOUNT:autoscalingconfiguration/NAME[/REVISION[/ID]]"
	for _, rest := range []string{"0", "01", "-1", "x", "99999999999", testID, "1/" + testID + "/x", "1/short"} {
		wantRefusal(t, base+"autoscalingconfiguration/high/"+rest, partial, ResourceAutoScalingConfiguration)
	}
	wantRefusal(t, base+"vpcconnector/vpc1", "vpcconnector/NAME/REVISION/ID")
	wantRefusal(t, base+"connection/git_hub/1/"+testID, "connection/NAME[/ID]")
	wantRefusal(t, base+"connection/git_hub/1", "connection/NAME[/ID]")
}

func wantRefusal(t *testing.T, arn, want string, kinds ...ResourceKind) {
	t.Helper()
	_, err := ParseARN(arn, kinds...)
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Kind != KindInvalidRequest || !strings.Contains(refusal.Message, want) {
		t.Errorf("%.80q: got %v, want %s", arn, err, want)
	}
}

func TestARNOfAnotherOwner(t *testing.T) {
	a, err := ParseARN(testARN)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.CheckOwner(Caller{Region: "us-east-1", Account: "123456789012"}); err != nil {
		t.Error(err)
	}
	for want, c := range map[string]Caller{
		"is in region us-east-1 and the request was signed for eu-west-1": {Region: "eu-west-1", Account: "123456789012"},
		"was signed by account 210987654321":                              {Region: "us-east-1", Account: "210987654321"},
	} {
		if err := a.CheckOwner(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestNewIDIsThirtyTwoHexDigits(t *testing.T) {
	a, b := NewID(), NewID()
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(a) || a == b {
		t.Errorf("got %s and %s", a, b)
	}
}

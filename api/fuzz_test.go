package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// addInputs gives a fuzz target every action with its bare, its full and an empty input.
func addInputs(f *testing.F) {
	for i, action := range everyAction {
		s := shapeOf(action.Input)
		for _, fill := range []func(reflect.Value, *shape){bare, full} {
			input := reflect.New(action.Input)
			fill(input.Elem(), s)
			body, err := json.Marshal(input.Interface())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), body)
		}
	}
	for i, action := range everyAction {
		if action.Name != "CreateService" {
			continue
		}
		for _, body := range []string{
			``,
			`{"ServiceName":"web-app","SourceConfiguration":{"ImageRepository":{"ImageIdentifier":"a/b:c","ImageRepositoryType":"ECR"}}}`,
			`{"ServiceName":"w","Tags":[{"Key":"aws:x","Value":null},null],"InstanceConfiguration":{"Cpu":"1 vCPU","Memory":"0 GB"}}`,
			`{"SourceConfiguration":{"CodeRepository":{"RepositoryUrl":"u","SourceCodeVersion":{"Type":"BRANCH","Value":"main"},` +
				`"CodeConfiguration":{"ConfigurationSource":"API","CodeConfigurationValues":{"Runtime":"GO_1","RuntimeEnvironmentVariables":{"A":"\ud800"}}}}}}`,
			`{"HealthCheckConfiguration":{"Interval":1.0e1,"Timeout":-0,"Path":""},"NetworkConfiguration":{"IngressConfiguration":{"IsPubliclyAccessible":false}}}`,
			`{"X":[[[{"a":{"a":1}}]]],"Tags":[]}`,
		} {
			f.Add(uint8(i), []byte(body))
		}
	}
}

// What Decode accepts survives being written and read again, and what it refuses it refuses in one of two ways.
func FuzzDecode(f *testing.F) {
	addInputs(f)
	f.Fuzz(func(t *testing.T, action uint8, body []byte) {
		input := Actions[int(action)%len(Actions)].Input
		request := reflect.New(input).Interface()
		if err := Decode(body, request); err != nil {
			checkRefusal(t, err)
			return
		}
		written, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		again := reflect.New(input).Interface()
		if err := Decode(written, again); err != nil {
			t.Fatalf("%s was accepted, and what it means is not: %s: %v", body, written, err)
		}
		if !reflect.DeepEqual(request, again) {
			t.Fatalf("%s changed on its way through %s", body, written)
		}
		if err := Validate(request); err != nil {
			t.Fatalf("Decode accepts %s and Validate does not: %v", body, err)
		}
	})
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*MalformedError](err); ok {
		return
	}
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Kind != KindInvalidRequest || len([]rune(refusal.Message)) > maxMessage {
		t.Fatalf("got %T of %d characters: %v", err, len([]rune(err.Error())), err)
	}
}

// Validate refuses values, whoever made them, in its one way, and what it accepts Decode accepts as JSON. Only integers
// above 32 bits cannot be sent.
func FuzzValidate(f *testing.F) {
	addInputs(f)
	f.Fuzz(func(t *testing.T, action uint8, body []byte) {
		input := Actions[int(action)%len(Actions)].Input
		request := reflect.New(input).Interface()
		if json.Unmarshal(body, request) != nil {
			return
		}
		if err := Validate(request); err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("got %T: %v", err, err)
			}
			checkRefusal(t, err)
			return
		}
		written, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		err = Decode(written, reflect.New(input).Interface())
		if err != nil && !strings.Contains(err.Error(), "must be an integer of 32 bits") {
			t.Fatalf("Validate accepts %s and Decode does not: %v", written, err)
		}
	})
}

// What is an ARN is written as it was read, passes the model, and has one owner.
func FuzzParseARN(f *testing.F) {
	for _, rest := range []string{"service/web-app/" + testID, "autoscalingconfiguration/high", "autoscalingconfiguration/high/3",
		"observabilityconfiguration/xray/1/" + testID, "vpcconnector/vpc1/1/" + testID, "connection/git_hub/", "service/a/b/c"} {
		f.Add("arn:aws:apprunner:eu-west-1:123456789012:"+rest, "eu-west-1", "123456789012")
	}
	f.Add("arn:aws:apprunner:::service/", "", "")
	f.Fuzz(func(t *testing.T, text, region, account string) {
		a, err := ParseARN(text)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if a.String() != text {
			t.Fatalf("%q was written as %q", text, a)
		}
		if again, err := ParseARN(text, a.Kind); err != nil || again != a {
			t.Fatalf("%q was read as %+v and %+v, %v", text, a, again, err)
		}
		if err := Validate(&TagResourceRequest{ResourceArn: text, Tags: []Tag{}}); err != nil {
			t.Fatalf("the model refuses %q: %v", text, err)
		}
		if err := a.CheckOwner(Caller{Region: a.Region, Account: a.Account}); err != nil {
			t.Fatalf("%q is not its owner's: %v", text, err)
		}
		if err := a.CheckOwner(Caller{Region: region, Account: account}); (err == nil) != (a.Region == region && a.Account == account) {
			t.Fatalf("%q and a caller of %q in %q: %v", text, account, region, err)
		}
	})
}

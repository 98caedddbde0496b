package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

const testARN = "arn:aws:apprunner:us-east-1:123456789012:service/web-app/0123456789abcdef0123456789abcdef"

func TestDecodeFillsEveryKindOfMember(t *testing.T) {
	body := `{
		"ServiceName": "web-app",
		"SourceConfiguration": {
			"ImageRepository": {
				"ImageIdentifier": "localhost:5000/web:1",
				"ImageRepositoryType": "ECR",
				"ImageConfiguration": {"Port": "8000", "RuntimeEnvironmentVariables": {"A": "1", "B": "two\nlines", "C": null}}
			},
			"AutoDeploymentsEnabled": false
		},
		"HealthCheckConfiguration": {"Interval": 5, "Timeout": 2.0, "HealthyThreshold": 1e1},
		"NetworkConfiguration": {"IngressConfiguration": {}},
		"Tags": [{"Key": "team", "Value": "ü"}, {}],
		"EncryptionConfiguration": null,
		"servicename": "another casing is another member",
		"Unknown": {"deep": [1, {"a": null}], "ServiceName": 5}
	}`
	var got CreateServiceRequest
	if err := Decode([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := CreateServiceRequest{
		ServiceName: "web-app",
		SourceConfiguration: &SourceConfiguration{
			ImageRepository: &ImageRepository{
				ImageIdentifier:     "localhost:5000/web:1",
				ImageRepositoryType: ImageRepositoryECR,
				ImageConfiguration: &ImageConfiguration{
					Port:                        new("8000"),
					RuntimeEnvironmentVariables: map[string]string{"A": "1", "B": "two\nlines"},
				},
			},
			AutoDeploymentsEnabled: new(false),
		},
		HealthCheckConfiguration: &HealthCheckConfiguration{Interval: new(5), Timeout: new(2), HealthyThreshold: new(10)},
		NetworkConfiguration:     &NetworkConfiguration{IngressConfiguration: &IngressConfiguration{}},
		Tags:                     []Tag{{Key: new("team"), Value: new("ü")}, {}},
	}
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func TestDecodeReadsTimestamps(t *testing.T) {
	var got OperationSummary
	if err := Decode([]byte(`{"StartedAt": 1606156014.374, "EndedAt": null}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.StartedAt.UnixMilli() != 1606156014374 || got.EndedAt != nil {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeRefusesWhatIsNotTheModelsJSON(t *testing.T) {
	deep := strings.Repeat(`{"X":`, 40) + "1" + strings.Repeat("}", 40)
	deepList := `{"X":` + strings.Repeat(`[`, 40) + strings.Repeat("]", 40) + "}"
	at := "the request body is not what the API expects at "
	tests := map[string]struct{ body, want string }{
		"a byte order mark":    {"\ufeff{}", "the request body begins with a byte order mark: send UTF-8 without one"},
		"no JSON":              {"ServiceName=x", "the request body is not valid JSON: invalid character 'S' looking for beginning of value (byte 1)"},
		"cut off":              {`{"ServiceName":"x"`, "the request body is not valid JSON: unexpected end of JSON input (byte 18)"},
		"data after the end":   {`{} {}`, "the request body is not valid JSON: invalid character '{' after top-level value (byte 4)"},
		"trailing comma":       {`{"ServiceName":"x",}`, "the request body is not valid JSON: invalid character '}' looking for beginning of object key string (byte 20)"},
		"invalid UTF-8":        {"{\"ServiceName\":\"\xff\"}", "the request body is not valid UTF-8"},
		"null":                 {"null", "the request body must be an object, and is null"},
		"a list":               {"[]", "the request body must be an object, and is a list"},
		"a string":             {`"x"`, "the request body must be an object, and is a string"},
		"the same member":      {`{"ServiceName":"a","ServiceName":"b"}`, "the request body has the same member twice"},
		"the same below":       {`{"SourceConfiguration":{"X":1,"X":2}}`, at + "'sourceConfiguration': it has the same member twice"},
		"the same escaped":     {`{"ServiceName":"a","\u0053erviceName":"b"}`, "the request body has the same member twice"},
		"the same in unknown":  {`{"X":{"a":1,"a":2}}`, "the request body has the same member twice"},
		"the same map key":     {`{"SourceConfiguration":{"ImageRepository":{"ImageConfiguration":{"RuntimeEnvironmentVariables":{"A":"1","A":"2"}}}}}`, at + "'sourceConfiguration.imageRepository.imageConfiguration.runtimeEnvironmentVariables': it has the same member twice"},
		"deep objects":         {deep, "the request body is nested more than 32 levels deep"},
		"deep lists":           {deepList, "the request body is nested more than 32 levels deep"},
		"number for string":    {`{"ServiceName":5}`, at + "'serviceName': it must be a string, and is a number"},
		"string for structure": {`{"SourceConfiguration":"x"}`, at + "'sourceConfiguration': it must be an object, and is a string"},
		"object for list":      {`{"Tags":{}}`, at + "'tags': it must be a list, and is an object"},
		"list for map":         {`{"SourceConfiguration":{"CodeRepository":{"CodeConfiguration":{"CodeConfigurationValues":{"RuntimeEnvironmentVariables":[{"A":"1"}]}}}}}`, at + "'sourceConfiguration.codeRepository.codeConfiguration.codeConfigurationValues.runtimeEnvironmentVariables': it must be an object, and is a list"},
		"bool in a list":       {`{"Tags":[{},{"Key":true}]}`, at + "'tags.2.member.key': it must be a string, and is true or false"},
		"string for integer":   {`{"HealthCheckConfiguration":{"Interval":"5"}}`, at + "'healthCheckConfiguration.interval': it must be an integer, and is a string"},
		"half an integer":      {`{"HealthCheckConfiguration":{"Interval":1.5}}`, at + "'healthCheckConfiguration.interval': it must be an integer of 32 bits"},
		"too long an integer":  {`{"HealthCheckConfiguration":{"Interval":2147483648}}`, at + "'healthCheckConfiguration.interval': it must be an integer of 32 bits"},
		"beyond any float":     {`{"HealthCheckConfiguration":{"Interval":1e999}}`, at + "'healthCheckConfiguration.interval': it must be an integer of 32 bits"},
		"string for bool":      {`{"SourceConfiguration":{"AutoDeploymentsEnabled":"true"}}`, at + "'sourceConfiguration.autoDeploymentsEnabled': it must be true or false, and is a string"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Decode([]byte(tt.body), &CreateServiceRequest{})
			if _, ok := errors.AsType[*MalformedError](err); !ok {
				t.Fatalf("got %T: %v", err, err)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDecodeTakesAnEmptyBodyForAnObjectWithoutMembers(t *testing.T) {
	for _, body := range []string{"", " \r\n", "{}"} {
		if err := Decode([]byte(body), &ListServicesRequest{}); err != nil {
			t.Errorf("%q: %v", body, err)
		}
		err := Decode([]byte(body), &DescribeServiceRequest{})
		if err == nil || !strings.Contains(err.Error(), "Value null at 'serviceArn' failed to satisfy constraint: Member must not be null") {
			t.Errorf("%q: got %v", body, err)
		}
	}
}

func TestDecodeRefusesTimestampsThatAreNoNumbers(t *testing.T) {
	for body, want := range map[string]string{
		`{"StartedAt":"2020-11-23T18:26:54Z"}`: "'startedAt': it must be a number of seconds since 1970, and is a string",
		`{"StartedAt":1e300}`:                  "'startedAt': it is out of range",
	} {
		if err := Decode([]byte(body), &OperationSummary{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestDecodeNamesAWrongTarget(t *testing.T) {
	for _, into := range []any{nil, CreateServiceRequest{}, (*CreateServiceRequest)(nil), new(int), new(Error)} {
		if err := Decode([]byte(`{}`), into); err == nil || !strings.Contains(err.Error(), "is no pointer to a structure of the API") {
			t.Errorf("%T: got %v", into, err)
		}
	}
}

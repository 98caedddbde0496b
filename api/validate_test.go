package api

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// faults returns what a refusal lists, and fails when the text does not count its faults right.
func faults(t *testing.T, err error) []string {
	t.Helper()
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Kind != KindInvalidRequest {
		t.Fatalf("got %T: %v", err, err)
	}
	head, rest, _ := strings.Cut(refusal.Message, " detected: ")
	list := strings.Split(rest, "; ")
	want := fmt.Sprintf("%d validation errors", len(list))
	if len(list) == 1 {
		want = "1 validation error"
	}
	if head != want {
		t.Errorf("%d faults are announced as %q", len(list), head)
	}
	return list
}

const oneImage = `"SourceConfiguration":{"ImageRepository":{"ImageIdentifier":"web:1","ImageRepositoryType":"ECR"}}`

func TestDecodeListsEveryViolatedConstraint(t *testing.T) {
	const memory = "Member must satisfy regular expression pattern: 512|1024|2048|3072|4096|6144|8192|10240|12288|(0.5|1|2|3|4|6|8|10|12) GB"
	const name = "Member must satisfy regular expression pattern: [A-Za-z0-9][A-Za-z0-9-_]{3,39}"
	const domain = "Value null at 'sourceConfiguration' failed to satisfy constraint: Member must not be null"
	tests := map[string]struct {
		body string
		want []string
	}{
		"what users report": {`{"InstanceConfiguration":{"Memory":"0 GB"},` + oneImage + `}`, []string{
			"Value null at 'serviceName' failed to satisfy constraint: Member must not be null",
			"Value '0 GB' at 'instanceConfiguration.memory' failed to satisfy constraint: " + memory,
		}},
		"null is absent": {`{"ServiceName":null,"SourceConfiguration":null}`, []string{
			"Value null at 'serviceName' failed to satisfy constraint: Member must not be null", domain,
		}},
		"empty is not absent": {`{"ServiceName":"",` + oneImage + `}`, []string{
			"Value '' at 'serviceName' failed to satisfy constraint: Member must have length greater than or equal to 4",
			"Value '' at 'serviceName' failed to satisfy constraint: " + name,
		}},
		"characters, not bytes": {`{"ServiceName":"äöü",` + oneImage + `}`, []string{
			"Value 'äöü' at 'serviceName' failed to satisfy constraint: Member must have length greater than or equal to 4",
			"Value 'äöü' at 'serviceName' failed to satisfy constraint: " + name,
		}},
		"the whole must match": {`{"ServiceName":"web-app\n",` + oneImage + `}`, []string{
			"Value 'web-app\n' at 'serviceName' failed to satisfy constraint: " + name,
		}},
		"ranges": {`{"ServiceName":"web-app","HealthCheckConfiguration":{"Interval":0,"Timeout":21},` + oneImage + `}`, []string{
			"Value '0' at 'healthCheckConfiguration.interval' failed to satisfy constraint: Member must have value greater than or equal to 1",
			"Value '21' at 'healthCheckConfiguration.timeout' failed to satisfy constraint: Member must have value less than or equal to 20",
		}},
		"enums are case-exact": {`{"ServiceName":"web-app","SourceConfiguration":{"ImageRepository":{"ImageIdentifier":"web:1","ImageRepositoryType":"ecr"}}}`, []string{
			"Value 'ecr' at 'sourceConfiguration.imageRepository.imageRepositoryType' failed to satisfy constraint: Member must satisfy enum value set: [ECR, ECR_PUBLIC]",
		}},
		"inside lists": {`{"ServiceName":"web-app","Tags":[{"Key":"ok"},{"Key":"aws:no"},null],` + oneImage + `}`, []string{
			"Value 'aws:no' at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(?!aws:).+",
			"Value null at 'tags.3.member' failed to satisfy constraint: Member must not be null",
		}},
		"required below optional": {`{"ServiceName":"web-app","ObservabilityConfiguration":{},` + oneImage + `}`, []string{
			"Value null at 'observabilityConfiguration.observabilityEnabled' failed to satisfy constraint: Member must not be null",
		}},
		"a long value is cut": {`{"ServiceName":"` + strings.Repeat("a", 5000) + `",` + oneImage + `}`, []string{
			"Value '" + strings.Repeat("a", 64) + "…' at 'serviceName' failed to satisfy constraint: Member must have length less than or equal to 40",
			"Value '" + strings.Repeat("a", 64) + "…' at 'serviceName' failed to satisfy constraint: " + name,
		}},
		"image references": {`{"ServiceName":"web-app","SourceConfiguration":{"ImageRepository":{"ImageIdentifier":"Web App","ImageRepositoryType":"ECR"}}}`, []string{
			"Value 'Web App' at 'sourceConfiguration.imageRepository.imageIdentifier' failed to satisfy constraint: Member must be an image " +
				"reference of the form [host[:port]/]repository[:tag][@sha256:digest], in lower case up to the tag",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := faults(t, Decode([]byte(tt.body), &CreateServiceRequest{}))
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestDecodeChecksElementsOfScalarLists(t *testing.T) {
	body := `{"ResourceArn":"` + testARN + `","TagKeys":["ok","",null]}`
	want := []string{
		"Value '' at 'tagKeys.2.member' failed to satisfy constraint: Member must have length greater than or equal to 1",
		"Value '' at 'tagKeys.2.member' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(?!aws:).+",
		"Value null at 'tagKeys.3.member' failed to satisfy constraint: Member must not be null",
	}
	got := faults(t, Decode([]byte(body), &UntagResourceRequest{}))
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestSensitiveValuesStayOutOfErrors(t *testing.T) {
	const planted = "s3cr3t-of-the-user"
	key, value := planted+strings.Repeat("k", 51200), planted+strings.Repeat("v", 51200)
	body := `{"ServiceName":"web-app","SourceConfiguration":{"ImageRepository":{"ImageIdentifier":"web:1","ImageRepositoryType":"ECR",
		"ImageConfiguration":{"StartCommand":"` + planted + `\nx","RuntimeEnvironmentVariables":{"` + key + `":"` + value + `"},
		"RuntimeEnvironmentSecrets":{"":"` + value + `"}}}}}`
	const at = "Value at 'sourceConfiguration.imageRepository.imageConfiguration."
	want := []string{
		at + "runtimeEnvironmentVariables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 51200]",
		at + "runtimeEnvironmentVariables' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 51200]",
		at + "startCommand' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\\x0a\\x0d]+",
	}
	err := Decode([]byte(body), &CreateServiceRequest{})
	if strings.Contains(err.Error(), planted) {
		t.Fatalf("the message shows a sensitive value: %v", err)
	}
	for _, w := range want[:2] {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v\nlacks %s", err, w)
		}
	}
	if !strings.HasSuffix(err.Error(), "; and 3 more") {
		t.Errorf("%v\ndoes not end with the number of faults left out", err)
	}
	alone := Validate(&CodeConfigurationValues{Runtime: RuntimeGo1, StartCommand: new(planted + "\n")})
	if got := faults(t, alone)[0]; got != "Value at 'startCommand' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\\x0a\\x0d]+" {
		t.Errorf("got %s", got)
	}
	twice := Decode([]byte(`{"RuntimeEnvironmentVariables":{"`+planted+`":"1","`+planted+`":"2"}}`), &ImageConfiguration{})
	wrong := Decode([]byte(`{"RuntimeEnvironmentVariables":{"`+planted+`":1}}`), &ImageConfiguration{})
	if text := twice.Error() + wrong.Error(); strings.Contains(text, planted) {
		t.Errorf("a sensitive key is shown: %s", text)
	}
}

func TestManyFaultsFitTheMessage(t *testing.T) {
	for _, n := range []int{2, 3, 4, 5, 6, 16, 17, 18, 100, 100000} {
		body := `{"ResourceArn":"` + testARN + `","Tags":[` + strings.Repeat(`{"Key":"aws:x"},`, n-1) + `{"Key":"aws:x"}]}`
		err := Decode([]byte(body), &TagResourceRequest{})
		message := err.Error()
		if length := utf8.RuneCountInString(message); length > maxMessage {
			t.Errorf("%d faults take %d characters", n, length)
		}
		if !strings.HasPrefix(message, fmt.Sprintf("%d validation errors detected: Value 'aws:x' at 'tags.1.member.key'", n)) {
			t.Errorf("%d faults begin with %s", n, message)
		}
		shown := strings.Count(message, "failed to satisfy constraint: Member must satisfy regular expression pattern: ^(?!aws:).+")
		if shown < n && !strings.HasSuffix(message, fmt.Sprintf("; and %d more", n-shown)) {
			t.Errorf("of %d faults %d are shown, ending in %s", n, shown, message[len(message)-40:])
		}
	}
}

func TestValidateTakesEmptyRequiredValuesForAbsent(t *testing.T) {
	got := faults(t, Validate(&CreateServiceRequest{SourceConfiguration: &SourceConfiguration{ImageRepository: &ImageRepository{ImageIdentifier: "web:1"}}}))
	want := []string{
		"Value null at 'serviceName' failed to satisfy constraint: Member must not be null",
		"Value null at 'sourceConfiguration.imageRepository.imageRepositoryType' failed to satisfy constraint: Member must not be null",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	// A branch name may be empty by the model: there is nothing to tell absent from empty.
	if err := Validate(&SourceCodeVersion{Type: SourceCodeVersionBranch}); err != nil {
		t.Error(err)
	}
	if err := Validate(&DescribeServiceRequest{ServiceArn: testARN}); err != nil {
		t.Error(err)
	}
}

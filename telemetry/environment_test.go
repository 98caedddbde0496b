package telemetry

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func environmentOf(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestEnvironment_SaysWhereSpansGo(t *testing.T) {
	for name, c := range map[string]struct {
		flag string
		vars map[string]string
		want string // "" for no exporter
	}{
		"nothing":         {"", nil, ""},
		"flag":            {"http://collector:4318", nil, "http://collector:4318/v1/traces"},
		"flag with path":  {"https://collector/otlp/", nil, "https://collector/otlp/v1/traces"},
		"flag wins":       {"http://a:1", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1", "OTEL_SDK_DISABLED": "true"}, "http://a:1/v1/traces"},
		"variable":        {"", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1"}, "http://b:1/v1/traces"},
		"traces variable": {"", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/x"}, "http://c:1/x"},
		"disabled":        {"", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1", "OTEL_SDK_DISABLED": "true"}, ""},
		"no exporter":     {"", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1", "OTEL_TRACES_EXPORTER": "none"}, ""},
	} {
		got, err := FromEnvironment(c.flag, environmentOf(c.vars))
		if err != nil || got == nil && c.want != "" || got != nil && got.Endpoint != c.want {
			t.Errorf("%s: %+v, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestEnvironment_HasTheRestToo(t *testing.T) {
	got, err := FromEnvironment("", environmentOf(map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b, y=1", "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,host.name=h1", "OTEL_SERVICE_NAME": "front",
		"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
	}))
	if err != nil || got.Timeout != 2500*time.Millisecond || got.Sampler != (Sampler{Ratio: .25}) ||
		!maps.Equal(got.Headers, map[string]string{"x-key": "a b", "y": "1"}) ||
		!maps.Equal(got.Resource, map[string]string{"service.name": "front", "host.name": "h1"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, want := range map[string]Sampler{
		"": {Ratio: 1}, "always_on": {IgnoreParent: true, Ratio: 1}, "always_off": {IgnoreParent: true}, "parentbased_always_off": {},
		"parentbased_always_on": {Ratio: 1}, "traceidratio": {IgnoreParent: true, Ratio: .5},
	} {
		got, err := FromEnvironment("http://b:1", environmentOf(map[string]string{"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": ".5"}))
		if err != nil || got.Sampler != want {
			t.Errorf("sampler %q: %+v, %v", name, got, err)
		}
	}
}

func TestEnvironment_NamesWhatIsWrong(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "10s",
		"OTEL_EXPORTER_OTLP_HEADERS": "secret", "OTEL_TRACES_SAMPLER": "jaeger_remote", "OTEL_TRACES_SAMPLER_ARG": "2", "OTEL_RESOURCE_ATTRIBUTES": "=x",
	} {
		vars := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1", name: value}
		if _, err := FromEnvironment("", environmentOf(vars)); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	if _, err := FromEnvironment("ftp://x", environmentOf(nil)); err == nil || !strings.Contains(err.Error(), "--otlp-endpoint") {
		t.Errorf("the flag: %v", err)
	}
}

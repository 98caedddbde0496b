package telemetry

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// FromEnvironment says where spans go by OpenTelemetry's variables, of which getenv has the values: OTEL_EXPORTER_OTLP_ENDPOINT,
// _HEADERS, _TIMEOUT and _PROTOCOL and the same with TRACES_ behind OTLP_, OTEL_TRACES_EXPORTER, OTEL_TRACES_SAMPLER and
// _SAMPLER_ARG, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and OTEL_SDK_DISABLED. endpoint, if not empty, wins over the
// variables; it has no path of the signal. Without an endpoint it returns nil. Errors name the variable and what it may be.
func FromEnvironment(endpoint string, getenv func(string) string) (*ExporterConfig, error) {
	env := environment{getenv: getenv}
	c := &ExporterConfig{Endpoint: env.endpoint(endpoint)}
	off := getenv("OTEL_SDK_DISABLED") == "true" || getenv("OTEL_TRACES_EXPORTER") == "none"
	if c.Endpoint == "" || off && endpoint == "" {
		return nil, nil
	}
	env.protocol()
	c.Headers = env.pairs(env.name("HEADERS"), env.ofTraces("HEADERS"))
	c.Timeout = env.timeout()
	c.Sampler = env.sampler()
	c.Resource = env.pairs("OTEL_RESOURCE_ATTRIBUTES", getenv("OTEL_RESOURCE_ATTRIBUTES"))
	if name := getenv("OTEL_SERVICE_NAME"); name != "" {
		c.Resource["service.name"] = name
	}
	return c, env.err
}

// environment reads variables and keeps the first thing that is wrong with one.
type environment struct {
	getenv func(string) string
	err    error
}

func (e *environment) wrong(format string, values ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, values...)
	}
}

// name is the variable of the exporter's that counts: that of traces where it is set.
func (e *environment) name(what string) string {
	if e.getenv("OTEL_EXPORTER_OTLP_TRACES_"+what) != "" {
		return "OTEL_EXPORTER_OTLP_TRACES_" + what
	}
	return "OTEL_EXPORTER_OTLP_" + what
}

func (e *environment) ofTraces(what string) string { return e.getenv(e.name(what)) }

func (e *environment) endpoint(flag string) string {
	name, text := e.name("ENDPOINT"), e.ofTraces("ENDPOINT")
	if flag != "" {
		name, text = "--otlp-endpoint", flag
	}
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		e.wrong("%s is %q and must be the URL of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318", name, text)
		return text
	}
	if name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" {
		return text // as it is, the specification says
	}
	return u.JoinPath("v1", "traces").String()
}

func (e *environment) protocol() {
	if p := e.ofTraces("PROTOCOL"); p != "" && p != "http/protobuf" {
		e.wrong("%s is %q; apron speaks http/protobuf alone, which collectors take on port 4318. Unset it", e.name("PROTOCOL"), p)
	}
}

func (e *environment) timeout() time.Duration {
	text := e.ofTraces("TIMEOUT")
	if text == "" {
		return 0
	}
	ms, err := strconv.Atoi(text)
	if err != nil || ms <= 0 {
		e.wrong("%s is %q and must be a number of milliseconds, such as 10000", e.name("TIMEOUT"), text)
	}
	return time.Duration(ms) * time.Millisecond
}

// pairs reads "key=value,key=value", with values as URLs have them.
func (e *environment) pairs(name, text string) map[string]string {
	found := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			e.wrong("%s must be a list of key=value separated by commas, with %%XX for special characters", name) // values may be secrets
			continue
		}
		found[key] = value
	}
	return found
}

func (e *environment) sampler() Sampler {
	ratio := 1.0
	if text := e.getenv("OTEL_TRACES_SAMPLER_ARG"); text != "" {
		var err error
		if ratio, err = strconv.ParseFloat(text, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			e.wrong("OTEL_TRACES_SAMPLER_ARG is %q and must be a ratio from 0 to 1, such as 0.1", text)
		}
	}
	switch name := cmp.Or(e.getenv("OTEL_TRACES_SAMPLER"), "parentbased_always_on"); name {
	case "parentbased_always_on":
		return Sampler{Ratio: 1}
	case "parentbased_always_off":
		return Sampler{}
	case "parentbased_traceidratio":
		return Sampler{Ratio: ratio}
	case "always_on":
		return Sampler{IgnoreParent: true, Ratio: 1}
	case "always_off":
		return Sampler{IgnoreParent: true}
	case "traceidratio":
		return Sampler{IgnoreParent: true, Ratio: ratio}
	default:
		e.wrong("OTEL_TRACES_SAMPLER is %q; apron knows always_on, always_off, traceidratio, and each of them with parentbased_ before it", name)
		return Sampler{}
	}
}

package api

import (
	"regexp"
	"strings"
	"testing"
)

func TestEveryPatternCompiles(t *testing.T) {
	n := 0
	for name, s := range allShapes() {
		if s.pattern == nil {
			continue
		}
		n++
		if _, err := regexp.Compile(`\A(?:` + s.pattern.re2 + `)\z`); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.pattern.rule == "" {
			t.Errorf("%s has a pattern and no words for it", name)
		}
	}
	if n < 15 {
		t.Errorf("only %d shapes have a pattern", n)
	}
}

func TestPatterns(t *testing.T) {
	id := "0123456789abcdef0123456789abcdef"
	digest := "sha256:" + id + id
	tests := map[string]struct {
		shape *shape
		good  []string
		bad   []string
	}{
		"image identifiers": {
			shape: &shapeImageIdentifier,
			good: []string{
				"web", "web:1", "library/web", "localhost:4080/web:latest", "127.0.0.1:5000/a/b/c", "[::1]:5000/web:1",
				"public.ecr.aws/aws-containers/hello-app-runner:latest", "123456789012.dkr.ecr.us-east-1.amazonaws.com/web@" + digest,
				"ghcr.io/owner/web:v1.2.3@" + digest, "Registry.Example.com/web", "a__b/c--d/e.f:T_a-g.1",
			},
			bad: []string{
				"", "Web", "web:", "web:-1", "web:a/b", "/web", "web/", "host:port/web", "web@sha256:short", "https://host/web", "a..b",
				"web:" + strings.Repeat("t", 129), "web\n", "web 1", "$(id)", "-web",
			},
		},
		"tag keys": {
			shape: &shapeTagKey,
			good:  []string{"a", "aw", "aws", "awsx", "AWS:x", "apron:idle-timeout", "xaws:", "b", "a\nb", "aws x"},
			bad:   []string{"aws:", "aws:x", "aws:\n", ""},
		},
		"ARNs": {
			shape: &shapeAppRunnerResourceArn,
			good:  []string{testARN, "arn:aws-cn:apprunner:cn-north-1:123456789012:x", "arn:aws:apprunner:us-east-1:123456789012:" + strings.Repeat("x", 900)},
			bad: []string{"", "arn:aws:apprunner:us-east-1:12345:service/x", testARN + "*", testARN + "\n",
				"arn:aws:apprunner:us-east-1:123456789012:" + strings.Repeat("x", 1011)},
		},
		"vCPU": {
			shape: &shapeCpu,
			good:  []string{"256", "1024", "4096", "0.25 vCPU", "4 vCPU"},
			bad:   []string{"0x25 vCPU", "3 vCPU", "1 vcpu", "1vCPU", "0.1"},
		},
		"memory": {
			shape: &shapeMemory,
			good:  []string{"512", "12288", "0.5 GB", "12 GB"},
			bad:   []string{"0x5 GB", "0 GB", "2 gb", "5 GB"},
		},
		"role ARNs": {
			shape: &shapeRoleArn,
			good:  []string{"arn:aws:iam::123456789012:role/service-role/AppRunnerECRAccessRole", "arn:aws:iam::123456789012:role/apron"},
			bad:   []string{"arn:aws:iam::123456789012:user/someone-here", "arn:aws:iam::123456789012:role/"},
		},
		"domain names": {
			shape: &shapeDomainName,
			good:  []string{"example.com", "*.example.com"},
			bad:   []string{"", "exa mple.com", "example.com/x", "example.com:80"},
		},
		"commands of one line": {
			shape: &shapeBuildCommand,
			good:  []string{"go build ./...", "a && b"},
			bad:   []string{"", "a\nb", "a\r"},
		},
		"values of any lines": {
			shape: &shapeRuntimeEnvironmentVariablesValue,
			good:  []string{"", "a\nb\r\nc"},
			bad:   []string{strings.Repeat("v", 51201)},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, s := range tt.good {
				if rules := textRules(tt.shape, s); rules != nil {
					t.Errorf("%.60q is refused: %v", s, rules)
				}
			}
			for _, s := range tt.bad {
				if rules := textRules(tt.shape, s); rules == nil {
					t.Errorf("%.60q is accepted", s)
				}
			}
		})
	}
}

package image_test

import (
	"errors"
	"strings"
	"testing"

	"apron/image"
	"apron/image/imagetest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestResolve_GoesWhereTheRulesSay pushes a different image to each place and asks which of them a reference means.
func TestResolve_GoesWhereTheRulesSay(t *testing.T) {
	out := remoteRegistry(t)
	s := open(t, t.TempDir(), func(c *image.Config) {
		c.LocalHosts = []string{"127.0.0.1:4080", "localhost:4080"}
		c.Map = map[string]string{
			"public.ecr.aws":         out + "/public",
			"public.ecr.aws/special": out + "/elsewhere",
			"docker.io":              out + "/hub",
			"111122223333.dkr.ecr.eu-west-1.amazonaws.com": out + "/ecr",
			"registry.example": "localhost:4080",
			out + "/whole":     out + "/replaced",
		}
	})
	in := embedded(t, s)
	digests := map[string]string{}
	for _, ref := range []string{
		in + "/plain:v1", in + "/alias/web:v1", in + "/public.ecr.aws/alias/full:v1", in + "/alias/full:v1", in + "/api:v2",
		in + "/444455556666.dkr.ecr.us-east-1.amazonaws.com/api:v2",
		out + "/public/other/web:v1", out + "/elsewhere/web:v1", out + "/hub/library/nginx:latest", out + "/hub/team/app:v1",
		out + "/ecr/svc:v1", out + "/replaced:v1", out + "/direct:v1",
	} {
		digests[ref] = imagetest.Push(t, imagetest.Static(t, nil, v1.Config{User: ref}), ref, nil)
	}
	cases := map[string]string{
		"127.0.0.1:4080/plain:v1":                             in + "/plain:v1",
		"localhost:4080/plain:v1":                             in + "/plain:v1",
		"plain:v1":                                            in + "/plain:v1",
		"alias/web:v1":                                        in + "/alias/web:v1",
		"plain@" + digests[in+"/plain:v1"]:                    in + "/plain:v1",
		"plain:ignored@" + digests[in+"/plain:v1"]:            in + "/plain:v1",
		"public.ecr.aws/alias/web:v1":                         in + "/alias/web:v1",
		"public.ecr.aws/alias/full:v1":                        in + "/public.ecr.aws/alias/full:v1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com/api:v2": in + "/api:v2",
		"444455556666.dkr.ecr.us-east-1.amazonaws.com/api:v2": in + "/444455556666.dkr.ecr.us-east-1.amazonaws.com/api:v2",
		"public.ecr.aws/other/web:v1":                         out + "/public/other/web:v1",
		"public.ecr.aws/special/web:v1":                       out + "/elsewhere/web:v1",
		"nginx":                                               out + "/hub/library/nginx:latest",
		"team/app:v1":                                         out + "/hub/team/app:v1",
		"111122223333.dkr.ecr.eu-west-1.amazonaws.com/svc:v1": out + "/ecr/svc:v1",
		"registry.example/alias/web:v1":                       in + "/alias/web:v1",
		out + "/whole:v1":                                     out + "/replaced:v1",
		out + "/direct:v1":                                    out + "/direct:v1",
	}
	for ref, place := range cases {
		got, err := s.Resolve(t.Context(), ref, nil)
		if err != nil || got != digests[place] {
			t.Errorf("%s led to %s (%v), want %s", ref, got, err, place)
		}
	}
}

func TestResolve_OtherHostsDoNotFindAPlainPath(t *testing.T) {
	s := open(t, t.TempDir(), func(c *image.Config) { c.Retries = 1 })
	imagetest.Push(t, imagetest.Static(t, nil, v1.Config{}), embedded(t, s)+"/alias/web:v1", nil)
	if d, err := s.Resolve(t.Context(), "registry.invalid/alias/web:v1", nil); err == nil {
		t.Errorf("registry.invalid/alias/web led to the embedded alias/web: %s", d)
	}
}

func TestPull_ARepositoryWithoutTheTagDoesNotFallThrough(t *testing.T) {
	s := open(t, t.TempDir(), func(c *image.Config) { c.Map = map[string]string{"public.ecr.aws": remoteRegistry(t)} })
	host := embedded(t, s)
	imagetest.Push(t, imagetest.Static(t, nil, v1.Config{}), host+"/alias/web:v1", nil)
	_, err := s.Pull(t.Context(), "public.ecr.aws/alias/web:v9", nil)
	if _, ok := errors.AsType[*image.NotFoundError](err); !ok || !strings.Contains(err.Error(), "embedded registry has no v9") {
		t.Errorf("error is %v, want a NotFoundError of the embedded registry", err)
	}
}

func TestCheckName_RefusesWhatCanNeverBePulled(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for ref, part := range map[string]string{
		"web": "", "web:1": "", "team/web": "", "127.0.0.1:4080/hello:1": "", "public.ecr.aws/alias/web:v1": "", "web@" + digest: "",
		"web:old@" + digest: "", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/svc": "", "[::1]:4080/web": "",
		"Web:1":               `"Web" is no repository`,
		"team//web":           `"team//web" is no repository`,
		"https://host/web":    `"https:" is no host name`,
		"registry.example/":   `"" is no repository`,
		"web:a b":             `"a b" is no tag`,
		"web@sha256:12":       `"sha256:12" is no sha256 digest`,
		"web@":                "is no",
		"host_name.com:x/web": `"host_name.com:x" is no host name`,
	} {
		t.Run(ref, func(t *testing.T) {
			err := image.CheckName(ref)
			if part == "" && err != nil || part != "" && (err == nil || !strings.Contains(err.Error(), part)) {
				t.Errorf("CheckName = %v, want %q", err, part)
			}
		})
	}
}

package profile_test

import (
	"path/filepath"
	"testing"

	"apron/cli/profile"
)

// TestEndpoint_IsTheNearestThatIsConfigured has the places that the AWS CLI came to look at after Debian's, with what
// botocore 1.43 makes of them.
func TestEndpoint_IsTheNearestThatIsConfigured(t *testing.T) {
	const all = "[default]\nendpoint_url = http://profile\nservices = mine\n[profile ignoring]\nendpoint_url = http://ignored\nignore_configured_endpoint_urls = TRUE\n" +
		"[profile global]\nendpoint_url = http://global\n[profile other]\nservices = others\nendpoint_url = http://fallback\n[profile lost]\nservices = lost\n[profile bare]\nservices = bare\n" +
		"[profile two words]\n[services mine]\napprunner =\n  endpoint_url = http://service\ns3 =\n  endpoint_url = http://s3\n[services 'others']\ns3 =\n  endpoint_url = http://s3\n[services bare]\n"
	const gone = `The profile is configured to use the services section but the "`
	for _, c := range []struct{ env, profile, region, flag, want string }{
		{"", "", "eu-west-1", "", "http://service"},
		{"", "", "eu-west-1", "http://flag", "http://flag"},
		{"AWS_ENDPOINT_URL=http://all", "", "eu-west-1", "", "http://all"},
		{"AWS_ENDPOINT_URL=http://all AWS_ENDPOINT_URL_APPRUNNER=http://ours", "", "eu-west-1", "", "http://ours"},
		{"AWS_ENDPOINT_URL=http://all AWS_ENDPOINT_URL_APPRUNNER=", "", "eu-west-1", "", "http://all"},
		{"AWS_ENDPOINT_URL=http://all AWS_ENDPOINT_URL_APPRUNNER=http://ours", "", "eu-west-1", "http://flag", "http://flag"},
		{"AWS_ENDPOINT_URL=http://all AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "", "eu-west-1", "", "https://apprunner.eu-west-1.amazonaws.com"},
		{"AWS_ENDPOINT_URL=http://all AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=yes", "", "eu-west-1", "", "http://all"},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false", "ignoring", "eu-west-1", "", "http://ignored"},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "", "eu-west-1", "http://flag", "http://flag"},
		{"AWS_ENDPOINT_URL=http://all", "ignoring", "eu-west-1", "", "https://apprunner.eu-west-1.amazonaws.com"},
		{"", "global", "eu-west-1", "", "http://global"}, {"", "other", "eu-west-1", "", "http://fallback"},
		{"AWS_ENDPOINT_URL=bad", "", "eu-west-1", "", "Invalid endpoint: bad"},
		{"AWS_ENDPOINT_URL=http://all AWS_USE_FIPS_ENDPOINT=true", "", "eu-west-1", "", "http://all"},
		{"AWS_ENDPOINT_URL=http://all", "none", "eu-west-1", "", "The config profile (none) could not be found"},
		{"", "lost", "eu-west-1", "", gone + `lost" services configuration does not exist.`}, {"", "bare", "eu-west-1", "", gone + `bare" services configuration does not exist.`},
		{"AWS_ENDPOINT_URL=http://all", "lost", "eu-west-1", "", "http://all"}, {"", "global", "eu-west-1", "http://[::1]:1", "http://[::1]:1"},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "", "us-isob-east-1", "", "https://apprunner.us-isob-east-1.sc2s.sgov.gov"},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "", "eusc-de-east-1", "", "https://apprunner.eusc-de-east-1.amazonaws.eu"},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true AWS_USE_DUALSTACK_ENDPOINT=true", "", "us-iso-east-1", "", "https://apprunner.us-iso-east-1.api.aws.ic.gov"},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true AWS_USE_DUALSTACK_ENDPOINT=true AWS_USE_FIPS_ENDPOINT=true", "", "eusc-de-east-1", "", "https://apprunner-fips.eusc-de-east-1.api.amazonwebservices.eu"},
	} {
		r := row{config: all, env: c.env + " AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s"}
		s, err := profile.Open(environment(r.variables(r.write(t))))
		if err != nil {
			t.Fatal(err)
		}
		s.Choose(c.profile)
		flags := profile.Flags{Region: &c.region}
		if c.flag != "" {
			flags.EndpointURL = &c.flag
		}
		got, err := s.Resolve(t.Context(), "apprunner", flags)
		if err != nil && err.Error() != c.want || err == nil && got.Endpoint != c.want {
			t.Errorf("%+v: got %+v, %v", c, got, err)
		}
	}
}

func TestResolve_MissesTheRegionAfterTheServices(t *testing.T) {
	r := row{config: "[default]\nmax_attempts = x\n", env: "AWS_ENDPOINT_URL=http://all"}
	s, err := profile.Open(environment(r.variables(r.write(t))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve(t.Context(), "apprunner", profile.Flags{}); err == nil || err.Error() != "You must specify a region." {
		t.Errorf("got %v", err)
	}
}

func TestUserAgent_SaysWhereACallComesFrom(t *testing.T) {
	for _, c := range []struct{ config, env, want string }{
		{"", "", ""}, {"", "AWS_EXECUTION_ENV=Lambda", "exec-env/Lambda"}, {"[default]\nsdk_ua_app_id = mine\n", "AWS_EXECUTION_ENV=Lambda", "exec-env/Lambda app/mine"},
		{"[default]\nsdk_ua_app_id = mine\n", "AWS_SDK_UA_APP_ID=other", "app/other"},
	} {
		r := row{config: c.config, env: c.env}
		s, err := profile.Open(environment(r.variables(r.write(t))))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.UserAgent(); err != nil || got != c.want {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
	}
}

func TestSection_IsOneOfAnyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alias")
	if got, err := profile.Section(path, "toplevel"); err != nil || got.Len() != 0 {
		t.Errorf("without a file: %v, %v", got, err)
	}
	write(t, path, "[toplevel]\nhold = apprunner pause-service\nlong =\n  !f() {\n    echo a = b\n  }; f\n\n[command   apprunner]\nStop = pause-service\n")
	got, err := profile.Section(path, "toplevel")
	if err != nil {
		t.Fatal(err)
	}
	hold, _ := got.Get("hold")
	long, _ := got.Get("long")
	if hold != "apprunner pause-service" || long != "\n!f() {\necho a = b\n}; f" {
		t.Errorf("got %q, %q", hold, long)
	}
	if got, err := profile.Section(path, "command apprunner"); err != nil || got.Len() != 1 || got.Keys()[0] != "stop" {
		t.Errorf("got %v, %v", got, err)
	}
	write(t, path, "[command apprunner]\na = b\n[command  apprunner]\nc = d\n[ toplevel]\ne = f\n")
	if got, err := profile.Section(path, "command apprunner"); err != nil || got.Len() != 1 || got.Keys()[0] != "c" {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := profile.Section(path, "toplevel"); err != nil || got.Len() != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	write(t, path, "nonsense")
	if _, err := profile.Section(path, "toplevel"); err == nil || err.Error() != "Unable to parse config file: "+path {
		t.Errorf("got %v", err)
	}
}

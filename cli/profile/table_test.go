package profile_test

import "testing"

// keys are an environment in which a call can be made.
const keys = "AWS_ACCESS_KEY_ID=AK AWS_SECRET_ACCESS_KEY=SK AWS_REGION=eu-west-1"

// TestFiles_AreReadAsTheAWSCLIDoes has INI files, whole and broken.
func TestFiles_AreReadAsTheAWSCLIDoes(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, config := range []string{
		"", "\n", "# only a comment\n", "this is not ini\n", "region = x\n", "[default\nregion=x\n", "[]\nregion=x\n",
		"[default]\nregion = us-west-2\n", "[default] tail\nregion = us-west-2\n", "[default]\nregion: us-west-2\n",
		"[default]\nregion\n", "[default]\n= x\n", "[default]\nregion = a\nregion = b\n", "[default]\nREGION = us-west-2\n",
		"[default]\nregion = a\n[default]\noutput = text\n", "[default]\nregion = us-west-2 # no comment\n",
		"[default]\n; comment\n  # comment\nregion = us-west-2\n", "[default]\r\nregion = us-west-2\r\n",
		"[default]\nregion = us-\n  west-2\n", "[default]\n  region = us-west-2\n  output = text\n",
		"[default]\nregion = us-west-2\n\n\n  # c\noutput = text\n\n", "[default]\ns3 =\n  a = b\n  c\n",
		"[default]\ns3 =\n  a = b\n\n  c = d\nregion = us-west-2\n", "[default]\nx =\n  a = b\n[x]\n",
		"[DEFAULT]\nregion = us-west-2\n[profile x]\noutput = text\n", "[DEFAULT]\nregion=a\n[DEFAULT]\noutput=text\n[default]\n",
		"[DEFAULT]\nregion = us-west-2\n[default]\noutput = text\nregion = eu-north-1\n", "\ufeff[default]\nregion = x\n",
		"[default]\nregion = \xff\n", "[default]\nregion =\n", "[default]\nregion = us-west-2\vx\n", "[profile default]\nregion = a\n",
		"[default]\nregion = a\n[profile default]\nregion = b\n", "[profile \"x]\nregion = a\n[default]\n", "[default]\n\toutput = text\n\t\tregion = a\n",
	} {
		rows = append(rows, row{config: config, env: "AWS_ACCESS_KEY_ID=AK AWS_SECRET_ACCESS_KEY=SK"},
			row{secrets: config, env: "AWS_ACCESS_KEY_ID=AK AWS_SECRET_ACCESS_KEY=SK AWS_DEFAULT_REGION=us-east-2"})
	}
	agree(t, append(rows,
		row{env: keys + " AWS_CONFIG_FILE={HOME}/none"}, row{env: keys + " AWS_CONFIG_FILE="}, row{env: keys + " AWS_CONFIG_FILE={HOME}"},
		row{config: "nonsense", env: keys + " AWS_CONFIG_FILE=~/none"}, row{config: "nonsense", env: keys + " AWS_CONFIG_FILE=~/.aws/config"},
		row{config: "nonsense", env: keys + " AWS_CONFIG_FILE=$HOME/.aws/config"}, row{config: "nonsense", env: keys + " AWS_CONFIG_FILE=${HOME}/.aws/config"},
		row{config: "nonsense", env: keys + " AWS_CONFIG_FILE=$NONE/.aws/config"}, row{config: "nonsense", env: keys + " AWS_CONFIG_FILE=~nobody/.aws/config"},
		row{config: "nonsense", env: keys + " AWS_CONFIG_FILE=~no-such-user/.aws/config"}, row{secrets: "nonsense", env: keys + " AWS_SHARED_CREDENTIALS_FILE=~/none"},
		row{config: "broken", secrets: "broken", env: keys},
	))
}

// TestProfiles_AreChosenAsTheAWSCLIDoes names them on the command line, in the environment, and where there are none.
func TestProfiles_AreChosenAsTheAWSCLIDoes(t *testing.T) {
	t.Parallel()
	const config = "[default]\nregion = eu-west-1\noutput = text\n[profile alt]\nregion = ap-northeast-1\ncli_pager = cat\n" +
		"[profile 'two words']\nregion = us-east-2\n[profile \"q\"]\nregion = us-west-2\n[profilex odd]\nregion = us-west-2\n"
	const secrets = "[default]\naws_access_key_id = D\naws_secret_access_key = s\n[alt]\naws_access_key_id = A\n" +
		"aws_secret_access_key = s\naws_session_token = tok\n[only]\naws_access_key_id = O\naws_secret_access_key = s\nregion = us-west-1\n[part]\naws_access_key_id = P\n"
	var rows []row
	for _, env := range []string{
		"", "AWS_PROFILE=alt", "AWS_DEFAULT_PROFILE=alt", "AWS_PROFILE=only AWS_DEFAULT_PROFILE=alt", "AWS_PROFILE=", "AWS_PROFILE=none",
		"AWS_PROFILE=none AWS_REGION=us-east-1", "AWS_PROFILE=none AWS_PAGER=cat AWS_DEFAULT_OUTPUT=json AWS_CLI_AUTO_PROMPT=ON", keys, keys + " AWS_PROFILE=alt",
		"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK", "AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY=", keys + " AWS_SESSION_TOKEN=t",
		keys + " AWS_SECURITY_TOKEN=a AWS_SESSION_TOKEN=b", "AWS_PROFILE=default", "AWS_PROFILE=part", "AWS_REGION= AWS_DEFAULT_REGION=us-east-1",
	} {
		for _, name := range []string{"", "alt", "two words", "q", "odd", "only", "none", "default", "part"} {
			rows = append(rows, row{config: config, secrets: secrets, env: env, profile: name})
		}
	}
	agree(t, append(rows, row{env: "AWS_PROFILE=default " + keys}, row{profile: "default", env: keys}, row{env: "AWS_REGION=eu-west-1"}))
}

// TestSettings_AreResolvedAsTheAWSCLIDoes has one setting after the other, right and wrong.
func TestSettings_AreResolvedAsTheAWSCLIDoes(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, line := range []string{
		"output = yaml", "output = nonsense", "cli_pager =", "cli_pager = less -R", "cli_auto_prompt = On-Partial", "cli_timestamp_format = wire",
		"cli_timestamp_format = iso8601", "cli_timestamp_format = unix", "cli_binary_format = raw-in-base64-out", "cli_binary_format = it's",
		"parameter_validation = false", "parameter_validation = False", "parameter_validation = TRUE", "parameter_validation = 0",
		"ca_bundle = /ca.pem", "ca_bundle =", "retry_mode = legacy", "retry_mode = adaptive", "retry_mode = Standard", "max_attempts = 7",
		"max_attempts = 0", "max_attempts = -1", "max_attempts = abc", "max_attempts =", "max_attempts = 1_0", "max_attempts = +5", "max_attempts = 1.5",
		"max_attempts = 0\nretry_mode = legacy", "max_attempts = x\nretry_mode = legacy", "use_fips_endpoint = true", "use_fips_endpoint = yes",
		"use_dualstack_endpoint = true", "use_dualstack_endpoint = TRUE\nuse_fips_endpoint = True", "region = bad_region", "region = 123",
		"metadata_service_timeout = x", "metadata_service_num_attempts = y", "ec2_metadata_service_endpoint_mode = ipv5", "ec2_metadata_service_endpoint_mode = IPv6",
		"s3 =\n  addressing_style = odd",
	} {
		rows = append(rows, row{config: "[default]\n" + line + "\n", env: "AWS_ACCESS_KEY_ID=AK AWS_SECRET_ACCESS_KEY=SK AWS_DEFAULT_REGION=us-east-1"},
			row{config: "[default]\n" + line + "\n"}, row{config: "[default]\n" + line + "\n", env: "AWS_ACCESS_KEY_ID=AK"})
	}
	for _, env := range []string{
		"AWS_DEFAULT_OUTPUT=text", "AWS_DEFAULT_OUTPUT=", "AWS_PAGER=", "AWS_PAGER=cat", "PAGER=more", "PAGER=more AWS_PAGER=cat", "AWS_CLI_AUTO_PROMPT=on",
		"AWS_CA_BUNDLE=/ca.pem", "AWS_CA_BUNDLE=", "REQUESTS_CA_BUNDLE=/ca.pem", "AWS_CA_BUNDLE=/a REQUESTS_CA_BUNDLE=/b", "AWS_RETRY_MODE=legacy",
		"AWS_RETRY_MODE=", "AWS_RETRY_MODE=adaptive", "AWS_MAX_ATTEMPTS=1", "AWS_MAX_ATTEMPTS=0", "AWS_MAX_ATTEMPTS=", "AWS_MAX_ATTEMPTS=x",
		"AWS_USE_FIPS_ENDPOINT=true", "AWS_USE_DUALSTACK_ENDPOINT=true", "AWS_METADATA_SERVICE_TIMEOUT=x", "AWS_MAX_ATTEMPTS=2000000000",
	} {
		rows = append(rows, row{env: keys + " " + env}, row{env: env, config: "[default]\nretry_mode = adaptive\ncli_pager = most\noutput = table\nca_bundle = /c.pem\n"})
	}
	agree(t, rows)
}

// TestRegionsAndEndpoints_AreThoseOfTheAWSCLI has names and URLs from the command line.
func TestRegionsAndEndpoints_AreThoseOfTheAWSCLI(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, region := range []string{
		"us-east-1", "mars-north-1", "cn-north-1", "cn-new-7", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "", "-x", "x-", "12", "1a", "a_b", "a.b", "a b",
		"us-east-1\n", "fips-us-east-1", "us-east-1-fips", "us-west-2-fips", "fips-mars-1", "aws-global", "cn-x", "us-gov-", "US-EAST-1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	} {
		rows = append(rows, row{env: keys, region: &region}, row{env: keys + " AWS_USE_FIPS_ENDPOINT=true", region: &region},
			row{env: keys, region: &region, endpoint: new("http://localhost:1")})
	}
	for _, url := range []string{
		"http://localhost:8080", "https://example.com/base/path", "localhost:8080", "http://", "http:///x", "https://a_b", "https://-a", "https://a.", "https://a..",
		"https://user:secret@host:1/x", "http://127.0.0.1:1", "http://x y", "http://EXAMPLE.com", "", "http://x\ty", "mailto:a@b",
	} {
		rows = append(rows, row{env: keys, endpoint: &url}, row{env: keys + " AWS_USE_FIPS_ENDPOINT=true AWS_USE_DUALSTACK_ENDPOINT=true", endpoint: &url})
	}
	agree(t, append(rows, row{endpoint: new("http://localhost:1")}, row{endpoint: new("nonsense")}, row{env: keys, ca: new("/x"), insecure: true},
		row{env: keys, ca: new("/x")}, row{env: keys, ca: new("")}, row{env: keys + " AWS_CA_BUNDLE=/y", insecure: true}, row{config: "[default]\nmax_attempts=x\nretry_mode=legacy\n", endpoint: new("bad")},
		row{region: new("_"), env: "AWS_PROFILE=none AWS_ACCESS_KEY_ID=x"}, row{profile: "none", env: keys}, row{profile: "none", region: new("_"), env: keys}))
}

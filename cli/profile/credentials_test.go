package profile_test

import (
	"path/filepath"
	"testing"
)

// TestCredentials_AreFoundAsTheAWSCLIDoes has everything that needs no network: what is wrong with profiles that take
// roles or sign on, and programs that print keys.
func TestCredentials_AreFoundAsTheAWSCLIDoes(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, config := range []string{
		"role_arn = R", "role_arn = R\nsource_profile = none", "role_arn = R\nsource_profile = default", "role_arn = R\nsource_profile = empty",
		"role_arn = R\ncredential_source = environment", "role_arn = R\ncredential_source = EcsContainer",
		"role_arn = R\ncredential_source = Ec2InstanceMetadata", "role_arn = R\ncredential_source = Nowhere", "role_arn = R\nsource_profile = a\ncredential_source = Environment",
		"role_arn = R\nsource_profile = half", "role_arn = R\nsource_profile = loop", "role_arn = R\nsource_profile = program", "role_arn = R\nsource_profile = badrole",
		"role_arn = R\nsource_profile = b\nweb_identity_token_file = /t", "web_identity_token_file = /t", "web_identity_token_file =\nrole_arn = R",
		"sso_role_name = r", "sso_account_id = 1", "sso_role_name = r\nsso_account_id = 1\nsso_region = us-east-1", "sso_role_name = r\nsso_account_id = 1\nsso_session = none",
		"sso_role_name = r\nsso_account_id = 1\nsso_session = good\nsso_region = other", "sso_role_name = r\nsso_session = good", "sso_session = none", "sso_session = bare",
		"sso_role_name = r\nsso_account_id = 1\nsso_session = bare", "sso_session = good",
		"sso_role_name = r\nsso_account_id = 1\nsso_region = us-east-1\nsso_start_url = https://x", "sso_role_name = r\nsso_account_id = 1\nsso_session = good",
		"aws_access_key_id = CK", "aws_access_key_id = CK\naws_secret_access_key = s\naws_security_token = 1\naws_session_token = 2", "aws_secret_access_key = s",
		"aws_access_key_id =\naws_secret_access_key =",
	} {
		text := "[profile p]\nregion = us-east-1\n" + config + "\n[profile empty]\n[profile half]\naws_access_key_id = H\n[profile loop]\nrole_arn = R2\nsource_profile = p\n" +
			"[profile program]\ncredential_process = /no/such/program\n[profile badrole]\nrole_arn = x\n[profile default]\n" +
			"[sso-session good]\nsso_region = us-east-1\nsso_start_url = https://x\n[sso-session bare]\n"
		rows = append(rows, row{config: text, profile: "p"}, row{config: text, env: "AWS_PROFILE=p AWS_ACCESS_KEY_ID=AK"},
			row{config: text, env: "AWS_PROFILE=p AWS_ACCESS_KEY_ID=AK AWS_SECRET_ACCESS_KEY=SK AWS_SESSION_TOKEN=T"})
	}
	self := "[profile p]\nregion = us-east-1\nrole_arn = R\nsource_profile = p\n"
	source := "[profile p]\nregion = us-east-1\nrole_arn = R\ncredential_source = Environment\n"
	agree(t, append(rows, row{config: source, profile: "p"}, row{config: source, profile: "p", env: "AWS_ACCESS_KEY_ID=AK"}, row{config: self, profile: "p"}, row{config: self + "aws_access_key_id = I\n", profile: "p"}, row{config: self + "aws_secret_access_key = I\n", profile: "p"},
		row{env: "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_REGION=us-east-1"}, row{env: "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/ AWS_REGION=us_east"},
		row{env: keys + " AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z"}, row{env: keys + " AWS_CREDENTIAL_EXPIRATION=2090-01-01T00:00:00Z"},
		row{env: keys + " AWS_EC2_METADATA_SERVICE_ENDPOINT=nonsense"}))
}

// TestRole_IsCheckedBeforeItIsAskedFor has roles that STS would not look at.
func TestRole_IsCheckedBeforeItIsAskedFor(t *testing.T) {
	t.Parallel()
	const role = "role_arn = arn:aws:iam::123456789012:role/r\n"
	var rows []row
	for _, config := range []string{
		"role_arn = R\n", "role_arn =\n", "role_arn = ééééééééééééééééééé\n", role + "duration_seconds = 899\n", role + "duration_seconds = 0\n", role + "external_id = e\n",
		role + "role_session_name = r\n", "role_arn = R\nrole_session_name = r\nexternal_id = e\nduration_seconds = -1\n",
	} {
		rows = append(rows, row{config: "[default]\nregion = us-east-1\naws_access_key_id = A\naws_secret_access_key = s\nsource_profile = default\n" + config})
	}
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "JWT")
	agree(t, append(rows, row{config: "[default]\nregion = us-east-1\nweb_identity_token_file = " + path + "\n" + role},
		row{config: "[default]\nregion = us-east-1\nrole_arn = R\nweb_identity_token_file = " + path + "\n"}))
}

// TestOldFiles_AreStillRead has the files of EC2's first command line and of boto.
func TestOldFiles_AreStillRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var rows []row
	for i, text := range []string{
		"AWSAccessKeyId = E\nAWSSecretKey=s=\n", "AWSAccessKeyId=E\n", "AWSSecretKey=s\n", "[Credentials]\naws_access_key_id = B\naws_secret_access_key = s\n",
		"[Credentials]\naws_access_key_id = B\n", "[Credentials]\naws_secret_access_key = s\n", "[credentials]\naws_access_key_id = B\n", "",
	} {
		path := filepath.Join(dir, string(rune('a'+i)))
		write(t, path, text)
		rows = append(rows, row{env: "AWS_REGION=eu-west-1 BOTO_CONFIG=" + path})
		if i < 3 {
			rows = append(rows, row{env: "AWS_REGION=eu-west-1 AWS_CREDENTIAL_FILE=" + path})
		}
	}
	agree(t, append(rows, row{env: "AWS_REGION=eu-west-1 AWS_CREDENTIAL_FILE=~/none"}, row{env: "AWS_REGION=eu-west-1 BOTO_CONFIG=~/none"}))
}

// TestProcess_PrintsKeys runs real programs, right and wrong.
func TestProcess_PrintsKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "prints")
	var rows []row
	for _, text := range []string{
		`{"Version": 1, "AccessKeyId": "PK", "SecretAccessKey": "s"}`, `{"Version": 1, "AccessKeyId": "PK", "SecretAccessKey": "s", "SessionToken": "t"}`,
		`{"Version": 1, "AccessKeyId": "PK", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2090-01-01T00:00:00Z"}`,
		`{"Version": 1, "AccessKeyId": "PK", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2020-01-01T00:00:00+00:00"}`,
		`{"Version": 2}`, `{"Version": "1"}`, `{}`, `{"Version": 1}`, `{"Version": 1, "AccessKeyId": "PK"}`, `nonsense`, ``, `[]`, `{"Version": 1,}`,
	} {
		path := file + string(rune('a'+len(rows)))
		write(t, path, text)
		rows = append(rows, row{config: "[default]\nregion = us-east-1\ncredential_process = cat '" + path + "'\n"})
	}
	for _, command := range []string{"/no/such", dir, "sh -c 'echo sorry >&2; exit 3'", "sh -c 'exit 1'", "'unclosed", "", "  "} {
		rows = append(rows, row{config: "[default]\nregion = us-east-1\ncredential_process = " + command + "\n"})
	}
	agree(t, rows)
}

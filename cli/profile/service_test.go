package profile_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"apron/cli/clitest"
	"apron/cli/profile"
)

// service is a server on the loopback that writes down what it is asked.
type service struct {
	*httptest.Server
	turn  sync.Mutex
	asked []string
}

// serve answers each request with what reply says of it.
func serve(t *testing.T, reply func(r *http.Request, body string) (int, string)) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := readAll(r)
		s.turn.Lock()
		defer s.turn.Unlock()
		s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI()+" "+body)
		status, text := reply(r, body)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s
}

func readAll(r *http.Request) string {
	if err := r.ParseForm(); err == nil && len(r.PostForm) > 0 {
		return r.PostForm.Encode()
	}
	text, _ := io.ReadAll(r.Body)
	return string(text)
}

// hour is a time at which keys that are handed out now are still good.
func hour() string { return time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }

// lent is STS's answer with keys that begin with the given letters.
func lent(action, id string) string {
	return fmt.Sprintf(`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>%[2]s</AccessKeyId>`+
		`<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%[3]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action, id, hour())
}

// keysOf are the keys of the profile p in that home directory.
func keysOf(t *testing.T, r row, home string, prompt func(string) (string, error)) (*profile.Keys, error) {
	t.Helper()
	env := environment(r.variables(home))
	env.Prompt = prompt
	s, err := profile.Open(env)
	if err != nil {
		t.Fatal(err)
	}
	s.Choose("p")
	got, err := s.Resolve(t.Context(), "apprunner", profile.Flags{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Credentials(t.Context())
}

func TestRole_IsTakenOnceWithAllThatTheProfileSays(t *testing.T) {
	sts := serve(t, func(*http.Request, string) (int, string) { return 200, lent("AssumeRole", "ASIA1") })
	r := row{config: "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\nexternal_id = ext\nduration_seconds = 1800\n" +
		"role_session_name = me\nmfa_serial = arn:aws:iam::123456789012:mfa/m\n", secrets: "[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n", env: "AWS_ENDPOINT_URL_STS=" + sts.URL}
	home := r.write(t)
	question := ""
	prompt := func(q string) (string, error) { question = q; return "123456", nil }
	for range 2 {
		keys, err := keysOf(t, r, home, prompt)
		if err != nil || *keys != (profile.Keys{AccessKeyID: "ASIA1", SecretAccessKey: "secret", SessionToken: "token"}) {
			t.Fatalf("got %v, %v", keys, err)
		}
	}
	want := "POST / Action=AssumeRole&DurationSeconds=1800&ExternalId=ext&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=me" +
		"&SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Fm&TokenCode=123456&Version=2011-06-15"
	if len(sts.asked) != 1 || sts.asked[0] != want || question != "Enter MFA code for arn:aws:iam::123456789012:mfa/m: " {
		t.Errorf("asked %q and %q", sts.asked, question)
	}
	cached(t, home, map[string]any{"RoleArn": "arn:aws:iam::123456789012:role/r", "ExternalId": "ext", "DurationSeconds": 1800, "RoleSessionName": "me", "SerialNumber": "arn:aws:iam::123456789012:mfa/m"})
}

// cached asks the AWS CLI whether it finds in its cache what we left there.
func cached(t *testing.T, home string, args map[string]any) {
	t.Helper()
	var found string
	clitest.Python(t, `
import json, sys, awscli
from botocore.credentials import AssumeRoleCredentialFetcher
from botocore.utils import JSONFileCache
home, args = json.load(sys.stdin)
role = args.pop("RoleArn")
fetcher = AssumeRoleCredentialFetcher(None, None, role, extra_args=args, cache=JSONFileCache(home + "/.aws/cli/cache"))
print(json.dumps(fetcher.fetch_credentials()["access_key"]))`, []any{home, args}, &found)
	if found != "ASIA1" {
		t.Errorf("the AWS CLI finds %q", found)
	}
}

func TestRole_IsTakenWithTheKeysOfAnother(t *testing.T) {
	sts := serve(t, func(r *http.Request, body string) (int, string) {
		_, id, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		id, _, _ = strings.Cut(id, "/")
		return 200, lent("AssumeRole", id+"-then-"+r.PostForm.Get("RoleSessionName"))
	})
	r := row{config: "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = q\nrole_session_name = two\n" +
		"[profile q]\nrole_arn = arn:aws:iam::123456789013:role/r\ncredential_source = Environment\nrole_session_name = one\n",
		env: "AWS_ENDPOINT_URL_STS=" + sts.URL + " AWS_ACCESS_KEY_ID=ENV AWS_SECRET_ACCESS_KEY=s"}
	keys, err := keysOf(t, r, r.write(t), nil)
	if err != nil || keys.AccessKeyID != "ENV-then-one-then-two" {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestRole_IsRefusedInTheWordsOfTheAWSCLI(t *testing.T) {
	sts := serve(t, func(*http.Request, string) (int, string) {
		return 403, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`
	})
	r := row{config: "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = p\naws_access_key_id = A\naws_secret_access_key = s\n",
		env: "AWS_MAX_ATTEMPTS=1 AWS_ENDPOINT_URL_STS=" + sts.URL}
	_, err := keysOf(t, r, r.write(t), nil)
	if _, ok := err.(*profile.ServiceError); !ok || err.Error() != "An error occurred (AccessDenied) when calling the AssumeRole operation: not you" {
		t.Errorf("got %v", err)
	}
	sts.Close()
	if _, err = keysOf(t, r, r.write(t), nil); err == nil || err.Error() != `Could not connect to the endpoint URL: "`+sts.URL+`/"` {
		t.Errorf("got %v", err)
	}
}

func TestIdentity_IsShownUnsigned(t *testing.T) {
	sts := serve(t, func(r *http.Request, _ string) (int, string) {
		return 200, lent("AssumeRoleWithWebIdentity", "W"+r.Header.Get("Authorization"))
	})
	r := row{config: "[profile p]\nregion = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/r\nrole_session_name = me\nweb_identity_token_file = {HOME}/token\n", env: "AWS_ENDPOINT_URL_STS=" + sts.URL}
	home := r.write(t)
	write(t, filepath.Join(home, "token"), "J.W.T")
	keys, err := keysOf(t, r, home, nil)
	want := "POST / Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=me&Version=2011-06-15&WebIdentityToken=J.W.T"
	if err != nil || keys.AccessKeyID != "W" || len(sts.asked) != 1 || sts.asked[0] != want {
		t.Errorf("got %v, %v; asked %q", keys, err, sts.asked)
	}
}

// granted is the answer of a sign-on's service.
func granted() string {
	return fmt.Sprintf(`{"roleCredentials":{"accessKeyId":"SSO","secretAccessKey":"s","sessionToken":"t","expiration":%d}}`, time.Now().Add(time.Hour).UnixMilli())
}

func TestSignOn_GivesTheRoleForItsToken(t *testing.T) {
	for name, config := range map[string]string{
		"https://start": "sso_start_url = https://start\nsso_region = eu-west-1\n",
		"corp":          "sso_session = corp\n[sso-session corp]\nsso_start_url = https://start\nsso_region = eu-west-1\n",
	} {
		sso := serve(t, func(r *http.Request, _ string) (int, string) {
			if r.Header.Get("x-amz-sso_bearer_token") != "TOKEN" {
				return 401, `{"message":"no"}`
			}
			return 200, granted()
		})
		r := row{config: "[profile p]\nregion = eu-west-1\nsso_role_name = r\nsso_account_id = 1\n" + config, env: "AWS_ENDPOINT_URL_SSO=" + sso.URL}
		home := r.write(t)
		if _, err := keysOf(t, r, home, nil); err == nil || err.Error() != "Error loading SSO Token: Token for "+name+" does not exist" {
			t.Errorf("without a token: %v", err)
		}
		write(t, tokenFile(home, name), `{"accessToken":"OLD","expiresAt":"`+hour()+`"}`)
		if _, err := keysOf(t, r, home, nil); err == nil || !strings.HasPrefix(err.Error(), "The SSO session associated with this profile has expired or is otherwise invalid.") {
			t.Errorf("with another token: %v", err)
		}
		write(t, tokenFile(home, name), `{"accessToken":"TOKEN","expiresAt":"`+hour()+`"}`)
		for range 2 {
			if keys, err := keysOf(t, r, home, nil); err != nil || *keys != (profile.Keys{AccessKeyID: "SSO", SecretAccessKey: "s", SessionToken: "t"}) {
				t.Errorf("got %v, %v", keys, err)
			}
		}
		if len(sso.asked) != 2 || sso.asked[1] != "GET /federation/credentials?account_id=1&role_name=r " {
			t.Errorf("asked %q", sso.asked)
		}
	}
}

// tokenFile is where `aws sso login` leaves the token.
func tokenFile(home, name string) string {
	sums := map[string]string{"https://start": "6ad0e7e61d1f47e491ea32c2031add41ef92e07d", "corp": "ee0bfd2552fbd840c02cc48b6e823320543c450f"}
	return filepath.Join(home, ".aws/sso/cache", sums[name]+".json")
}

func TestSignOn_ExchangesATokenNearItsEnd(t *testing.T) {
	oidc := serve(t, func(*http.Request, string) (int, string) {
		return 200, `{"accessToken":"NEW","expiresIn":3600,"refreshToken":"R2"}`
	})
	sso := serve(t, func(r *http.Request, _ string) (int, string) {
		if r.Header.Get("x-amz-sso_bearer_token") != "NEW" {
			return 401, ""
		}
		return 200, granted()
	})
	r := row{config: "[profile p]\nregion = eu-west-1\nsso_role_name = r\nsso_account_id = 1\nsso_session = corp\n[sso-session corp]\nsso_start_url = https://start\nsso_region = eu-west-1\n",
		env: "AWS_ENDPOINT_URL_SSO=" + sso.URL + " AWS_ENDPOINT_URL_SSO_OIDC=" + oidc.URL}
	home := r.write(t)
	write(t, tokenFile(home, "corp"), `{"accessToken":"OLD","expiresAt":"2020-01-01T00:00:00Z"}`)
	if _, err := keysOf(t, r, home, nil); err == nil || err.Error() != "Error when retrieving token from sso: Token has expired and refresh failed" {
		t.Errorf("got %v", err)
	}
	write(t, tokenFile(home, "corp"), `{"accessToken":"OLD","expiresAt":"2020-01-01T00:00:00Z","refreshToken":"R1","clientId":"c","clientSecret":"s","registrationExpiresAt":"`+hour()+`"}`)
	keys, err := keysOf(t, r, home, nil)
	if err != nil || keys.AccessKeyID != "SSO" {
		t.Errorf("got %v, %v", keys, err)
	}
	if text, err := os.ReadFile(tokenFile(home, "corp")); err != nil || !strings.Contains(string(text), `"accessToken": "NEW"`) || !strings.Contains(string(text), `"refreshToken": "R2"`) {
		t.Errorf("kept %s, %v", text, err)
	}
}

func TestContainer_IsAskedForKeys(t *testing.T) {
	container := serve(t, func(r *http.Request, _ string) (int, string) {
		return 200, fmt.Sprintf(`{"AccessKeyId":"C%s","SecretAccessKey":"s","Token":"t","Expiration":"%s"}`, r.Header.Get("Authorization"), hour())
	})
	r := row{config: "[profile p]\nregion = eu-west-1\n", env: "AWS_CONTAINER_CREDENTIALS_FULL_URI=" + container.URL + "/role AWS_CONTAINER_AUTHORIZATION_TOKEN=-auth"}
	keys, err := keysOf(t, r, r.write(t), nil)
	if err != nil || keys.AccessKeyID != "C-auth" || container.asked[0] != "GET /role " {
		t.Errorf("got %v, %v; asked %q", keys, err, container.asked)
	}
}

func TestContainer_SaysWhatIsMissing(t *testing.T) {
	answers := serve(t, func(*http.Request, string) (int, string) {
		return 200, `{"AccessKeyId":"C","SecretAccessKey":"s","Token":"t"}`
	})
	nobody := "http://127.0.0.1:1/role"
	for _, test := range []struct{ url, want string }{
		{answers.URL, "'Expiration'"},
		{nobody, `Error when retrieving credentials from container-role: Error retrieving metadata: Received error when attempting to retrieve ECS metadata: Could not connect to the endpoint URL: "` + nobody + `"`},
	} {
		s, err := profile.Open(environment(map[string]string{"HOME": t.TempDir(), "AWS_CONTAINER_CREDENTIALS_FULL_URI": test.url}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Credentials(t.Context()); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.url, err, test.want)
		}
	}
}

func TestContainer_IsNeverAStranger(t *testing.T) {
	s, err := profile.Open(environment(map[string]string{"HOME": t.TempDir(), "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Credentials(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "Unsupported host 'example.com'.  Can only retrieve metadata from ") {
		t.Errorf("got %v", err)
	}
}

func TestInstance_GivesRegionAndKeys(t *testing.T) {
	machine := serve(t, func(r *http.Request, _ string) (int, string) {
		switch {
		case r.Method == http.MethodPut:
			return 200, "T" + r.Header.Get("x-aws-ec2-metadata-token-ttl-seconds")
		case r.Header.Get("x-aws-ec2-metadata-token") != "T21600":
			return 401, ""
		case strings.HasSuffix(r.URL.Path, "availability-zone/"):
			return 200, "eu-west-3b"
		case strings.HasSuffix(r.URL.Path, "security-credentials/"):
			return 200, "role"
		}
		return 200, `{"AccessKeyId":"I","SecretAccessKey":"s","Token":"t","Expiration":"` + hour() + `"}`
	})
	s, err := profile.Open(environment(map[string]string{"HOME": t.TempDir(), "AWS_EC2_METADATA_SERVICE_ENDPOINT": machine.URL}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Resolve(t.Context(), "apprunner", profile.Flags{})
	if err != nil || got.Region != "eu-west-3" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if keys, err := got.Credentials(t.Context()); err != nil || keys.AccessKeyID != "I" {
		t.Errorf("got %v, %v", keys, err)
	}
}

package profile_test

import (
	_ "embed"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"apron/cli/clitest"
	"apron/cli/profile"
)

//go:embed testdata/ask.py
var ask string

// row is a configuration: files below the home directory, the environment, and what the command line says.
type row struct {
	config, secrets string
	env             string // NAME=value, by blanks; {HOME} is the home directory
	profile         string
	region          *string
	endpoint        *string
	ca              *string
	insecure        bool
}

func (r row) write(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for name, text := range map[string]string{"config": r.config, "credentials": r.secrets} {
		if text != "" {
			write(t, filepath.Join(home, ".aws", name), strings.ReplaceAll(text, "{HOME}", home))
		}
	}
	return home
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// variables are the row's environment on a machine that is not of EC2.
func (r row) variables(home string) map[string]string {
	set := map[string]string{
		"HOME": home, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true",
	}
	for pair := range strings.FieldsSeq(strings.ReplaceAll(r.env, "{HOME}", home)) {
		name, value, _ := strings.Cut(pair, "=")
		set[name] = value
	}
	return set
}

// question is the row as ask.py reads it.
func (r row) question(env map[string]string) map[string]any {
	q := map[string]any{"env": env, "profile": r.profile, "insecure": r.insecure}
	for name, value := range map[string]*string{"region": r.region, "endpoint": r.endpoint, "ca": r.ca} {
		if value != nil {
			q[name] = *value
		}
	}
	return q
}

// answer is what our own code makes of the row, in the form of ask.py's.
func (r row) answer(t *testing.T, env map[string]string) map[string]any {
	t.Helper()
	s, err := profile.Open(environment(env))
	if err != nil {
		return map[string]any{"open": err.Error()}
	}
	s.Choose(r.profile)
	return map[string]any{
		"open": "", "profile": s.Profile(), "output": said(s.Output()), "pager": said(s.Pager()),
		"prompt": s.AutoPrompt(), "start": said(start(s)), "resolved": said(r.resolved(t, s)),
	}
}

func environment(set map[string]string) profile.Env {
	return profile.Env{Lookup: func(name string) (string, bool) {
		value, ok := set[name]
		return value, ok
	}}
}

// start asks what is settled before a command runs.
func start(s *profile.Session) (any, error) {
	format, err := s.TimestampFormat()
	if err != nil {
		return nil, err
	}
	if _, err := s.BinaryFormat(); err != nil {
		return nil, err
	}
	if err := s.CheckMetadata(); err != nil {
		return nil, err
	}
	return map[string]string{"iso8601": "iso_format", "wire": "identity"}[format], nil
}

func (r row) resolved(t *testing.T, s *profile.Session) (any, error) {
	got, err := s.Resolve(t.Context(), "apprunner", profile.Flags{
		Region: r.region, EndpointURL: r.endpoint, CABundle: r.ca, NoVerifySSL: r.insecure})
	if err != nil {
		return nil, err
	}
	answer := map[string]any{
		"endpoint": got.Endpoint, "region": got.Region, "verify": got.Verify, "bundle": got.CABundle, "keys": nil,
		"mode": got.RetryMode, "attempts": float64(got.MaxAttempts), "validate": got.ParameterValidation,
	}
	keys, err := got.Credentials(t.Context())
	if _, none := err.(*profile.NoCredentialsError); none {
		return answer, nil
	} else if err != nil {
		return nil, err
	}
	answer["keys"] = []any{keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken}
	return answer, nil
}

func said[T any](value T, err error) any {
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return value
}

// agree asks the AWS CLI about all the rows in one go, and ourselves.
func agree(t *testing.T, rows []row) {
	t.Helper()
	var questions, got, want []map[string]any
	for _, r := range rows {
		home := r.write(t)
		env := r.variables(home)
		questions = append(questions, r.question(env))
		got = append(got, r.answer(t, env))
	}
	clitest.Python(t, ask, questions, &want)
	for i := range rows {
		for key := range want[i] {
			if !reflect.DeepEqual(got[i][key], want[i][key]) {
				t.Errorf("%q\n%s: got  %v\n%s  want %v", questions[i], key, got[i][key], key, want[i][key])
			}
		}
	}
}

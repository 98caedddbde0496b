package main_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"github.com/pressly/goose/v3"

	"apron/aprontest"
)

// runApron runs a command on the data directory and returns what it printed.
func runApron(t *testing.T, data string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), programs.apron, append(args, "--data", data)...)
	var out, diagnosis strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &diagnosis
	err = cmd.Run()
	return out.String(), diagnosis.String(), err
}

func exports(text string) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok {
			env[name] = value
		}
	}
	return env
}

// as is the same platform to somebody with another key, and perhaps another region.
func (w *world) as(key map[string]string, region string) *world {
	p := *w.platform
	p.Env = maps.Clone(p.Env) // after a restart a key's own endpoint is of before
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		p.Env[name] = key[name]
	}
	p.Env["AWS_REGION"] = region
	return &world{T: w.T, data: w.data, platform: &p, client: p.Client()}
}

// newKey makes a key with `apron key create`.
func (w *world) newKey(args ...string) map[string]string {
	w.Helper()
	out, diagnosis, err := runApron(w.T, w.data, append([]string{"key", "create"}, args...)...)
	if err != nil {
		w.Fatalf("%v\n%s", err, diagnosis)
	}
	return exports(out)
}

// pushProgram pushes an image of the program.
func (w *world) pushProgram(program, name string) {
	w.Helper()
	img, err := aprontest.Image(program)
	if err == nil {
		_, err = w.platform.Push(w.Context(), img, name)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// refused wants an exception of this name.
func refused(t *testing.T, what string, err error, name string) {
	t.Helper()
	type exception interface {
		error
		ErrorCode() string
	}
	if refusal, ok := errors.AsType[exception](err); !ok || refusal.ErrorCode() != name {
		t.Errorf("%s: %v, want %s", what, err, name)
	}
}

// startPlatform is a world without images.
func startPlatform(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, data: filepath.Join(t.TempDir(), "data")}
	w.start()
	t.Cleanup(w.stop)
	return w
}

// TestAccountsAndRegions_AreInvisibleToOneAnother has the same service three times: in two regions of an account, and in
// another account, whose image of the same name is another program.
func TestAccountsAndRegions_AreInvisibleToOneAnother(t *testing.T) {
	w := startPlatform(t)
	stranger := w.newKey("--account", "new")
	ours, abroad, theirs := w.as(w.platform.Env, "us-east-1"), w.as(w.platform.Env, "eu-west-1"), w.as(stranger, "us-east-1")
	ours.pushProgram(programs.hello, "web:1")
	theirs.pushProgram(programs.app, "web:1")
	ours.greeting, abroad.greeting, theirs.greeting = "Hello", "Hello", ""
	all := []*world{ours, abroad, theirs}
	for _, one := range all {
		one.do(createWith(w.registry()+"/web:1", nil))
	}
	for i, one := range all {
		one.hasOneService()
		for j, other := range all {
			if i != j {
				one.seesNothingOf(other)
			}
		}
	}
	ours.answers(200)
	if _, body, err := theirs.get("/"); err != nil || strings.HasPrefix(body, "Hello") {
		t.Errorf("the other account's service answers %q, %v; want its own program", body, err)
	}
	for _, one := range all {
		one.do(remove)
	}
}

func (w *world) hasOneService() {
	w.Helper()
	list, err := w.client.ListServices(w.Context(), &apprunner.ListServicesInput{})
	if err != nil || len(list.ServiceSummaryList) != 1 || *list.ServiceSummaryList[0].ServiceArn != w.arn {
		w.Errorf("services = %v, %v; want %s alone", list, err, w.arn)
	}
}

// seesNothingOf tries what an ARN is good for on another account's or region's service.
func (w *world) seesNothingOf(other *world) {
	w.Helper()
	ctx, arn := w.Context(), &other.arn
	calls := map[string]func() error{
		"DescribeService": func() error {
			_, err := w.client.DescribeService(ctx, &apprunner.DescribeServiceInput{ServiceArn: arn})
			return err
		},
		"ListOperations": func() error {
			_, err := w.client.ListOperations(ctx, &apprunner.ListOperationsInput{ServiceArn: arn})
			return err
		},
		"ListTagsForResource": func() error {
			_, err := w.client.ListTagsForResource(ctx, &apprunner.ListTagsForResourceInput{ResourceArn: arn})
			return err
		},
		"TagResource": func() error {
			_, err := w.client.TagResource(ctx, &apprunner.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("mine"), Value: aws.String("yes")}}})
			return err
		},
		"PauseService": func() error {
			_, err := w.client.PauseService(ctx, &apprunner.PauseServiceInput{ServiceArn: arn})
			return err
		},
		"DeleteService": func() error {
			_, err := w.client.DeleteService(ctx, &apprunner.DeleteServiceInput{ServiceArn: arn})
			return err
		},
	}
	for action, call := range calls {
		refused(w.T, action, call(), "InvalidRequestException")
	}
}

func TestReadOnlyKey_DescribesAndChangesNothing(t *testing.T) {
	w := startPlatform(t)
	if err := createWith(w.registry()+"/nothing:1", nil)(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	w.ends(types.OperationStatusFailed)
	reader := w.as(w.newKey("--read-only"), "us-east-1")
	reader.arn = w.arn
	if _, err := reader.client.DescribeService(t.Context(), &apprunner.DescribeServiceInput{ServiceArn: &w.arn}); err != nil {
		t.Error(err)
	}
	reader.hasOneService()
	for what, change := range map[string]func(context.Context, *world) error{"pause": pause, "delete": remove, "deploy": deploy} {
		refused(t, what, change(t.Context(), reader), "AccessDeniedException")
	}
	if err := remove(t.Context(), w); err != nil {
		t.Error(err)
	}
}

// TestRevokedKey_IsRefusedWithoutARestart uses a key until it is refused, which help and README promise after a second.
func TestRevokedKey_IsRefusedWithoutARestart(t *testing.T) {
	w := startPlatform(t)
	key := w.newKey("--account", "123456789012", "--name", "to be revoked")
	id := key["AWS_ACCESS_KEY_ID"]
	user := w.as(key, "us-east-1")
	if _, err := user.client.ListServices(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	out, diagnosis, err := runApron(t, w.data, "key", "revoke", id)
	if err != nil || !strings.Contains(out, id+" of account 123456789012 is revoked") || !strings.Contains(diagnosis, "last key of account 123456789012") {
		t.Fatalf("%v\n%s%s", err, out, diagnosis)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for err == nil {
		_, err = user.client.ListServices(ctx, nil)
	}
	refused(t, "some time later", err, "UnrecognizedClientException")
	img, err := aprontest.Image(programs.hello)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := user.platform.Push(t.Context(), img, "web:1"); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") {
		t.Errorf("push: %v", err)
	}
	// The directory's own key, of another account, goes on.
	if _, err := w.client.ListServices(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// TestCredentialsFile_DoesNotBringARevokedKeyBack starts a server on the directory of a key that was revoked, and on one
// whose file was removed: the account gets a new key.
func TestCredentialsFile_DoesNotBringARevokedKeyBack(t *testing.T) {
	w := startPlatform(t)
	id := w.platform.Env["AWS_ACCESS_KEY_ID"]
	if _, diagnosis, err := runApron(t, w.data, "key", "revoke", id); err != nil {
		t.Fatal(diagnosis)
	}
	_, diagnosis, err := runApron(t, w.data, "env")
	if err == nil || !strings.Contains(diagnosis, id+" was revoked; `apron env --key ID` prints another one") {
		t.Errorf("apron env: %v, %s", err, diagnosis)
	}
	spare := w.newKey()
	if err := w.platform.Stop(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	before := w.keys()
	if len(before) != 2 || before[0].State != "revoked" || before[1].ID != spare["AWS_ACCESS_KEY_ID"] || before[1].Account != before[0].Account {
		t.Errorf("keys = %+v", before)
	}
	if err := os.Remove(filepath.Join(w.data, "credentials.json")); err != nil {
		t.Fatal(err)
	}
	w.start()
	after := w.keys()
	if len(after) != 3 || after[0].State != "revoked" || after[2].Account != before[0].Account || after[2].ID != w.platform.Env["AWS_ACCESS_KEY_ID"] {
		t.Errorf("keys = %+v", after)
	}
	if _, err := w.client.ListServices(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

type listedKey struct{ ID, Account, Access, State string }

// keys is what `apron key list --json` prints.
func (w *world) keys() (list []listedKey) {
	w.Helper()
	out, diagnosis, err := runApron(w.T, w.data, "key", "list", "--json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &list)
	}
	if err != nil {
		w.Fatalf("%v\n%s%s", err, out, diagnosis)
	}
	return list
}

// TestLostKeyFile_LocksOutAllButTheFirstKey moves age.key away: what it sealed cannot be opened, and credentials.json has
// the one secret that is known besides.
func TestLostKeyFile_LocksOutAllButTheFirstKey(t *testing.T) {
	w := startPlatform(t)
	other := w.newKey()
	if err := w.platform.Stop(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(w.data, "age.key")); err != nil {
		t.Fatal(err)
	}
	w.start()
	if _, err := w.client.ListServices(t.Context(), nil); err != nil {
		t.Error(err)
	}
	_, err := w.as(other, "us-east-1").client.ListServices(t.Context(), nil)
	refused(t, "another key", err, "InternalServiceErrorException")
	if err := w.platform.Stop(t.Context(), false); err != nil { // its log is whole then
		t.Fatal(err)
	}
	if !strings.Contains(w.platform.Log(), "put that key's file back") {
		t.Errorf("the log does not say why:\n%s", w.platform.Log())
	}
}

// TestKeyCommand_MigratesOnlyWhileNoServerRuns has a directory as the version before keys left it, and a server that
// holds it.
func TestKeyCommand_MigratesOnlyWhileNoServerRuns(t *testing.T) {
	data := t.TempDir()
	const first = `{"account": "123456789012", "access_key_id": "AKIAOLD", "secret_access_key": "hush"}`
	if err := os.WriteFile(filepath.Join(data, "credentials.json"), []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	migrateTo(t, filepath.Join(data, "apron.db"), 2)
	lock, err := os.Create(filepath.Join(data, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, diagnosis, err := runApron(t, data, "key", "list"); err == nil || !strings.Contains(diagnosis, "a server of an older version holds") {
			t.Errorf("beside a server: %v, %s", err, diagnosis)
		}
	}
	lock.Close()
	out, diagnosis, err := runApron(t, data, "key", "list")
	if err != nil || !strings.Contains(out, "AKIAOLD  123456789012  full") || strings.Contains(out, "hush") {
		t.Errorf("alone: %v\n%s%s", err, out, diagnosis)
	}
}

// migrateTo makes a database of an older version.
func migrateTo(t *testing.T, path string, version int64) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("../../store/migrations"))
	if err == nil {
		_, err = p.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

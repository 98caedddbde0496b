package main_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"apron/api"
	"apron/aprontest"
)

// never keeps polling from finding what a test wants to be told in another way.
const never = "--poll-interval=24h"

// eventually waits until the service answers with the greeting.
func (w *world) eventually(greeting string) {
	w.Helper()
	w.greeting = greeting
	for deadline := time.Now().Add(cmp.Or(w.patience, time.Minute)); ; time.Sleep(50 * time.Millisecond) {
		status, body, err := w.get("/")
		switch {
		case err == nil && status == http.StatusOK && strings.HasPrefix(body, greeting):
			w.ends(types.OperationStatusSucceeded)
			return
		case time.Now().After(deadline):
			w.Fatalf("GET %s = %d %q, %v; want %q\n%s", w.url, status, body, err, greeting, w.platform.Log())
		}
	}
}

// wantOperations wants the service to have had these, the newest first.
func (w *world) wantOperations(want string) {
	w.Helper()
	list, err := w.client.ListOperations(w.Context(), &apprunner.ListOperationsInput{ServiceArn: &w.arn})
	if err != nil {
		w.Fatal(err)
	}
	var got []string
	for _, op := range list.OperationSummaryList {
		got = append(got, string(op.Type))
	}
	if got := strings.Join(got, " "); got != want {
		w.Errorf("the operations are %s, want %s\n%s", got, want, w.platform.Log())
	}
}

// awaitSeen waits until the newest version is one that the service has seen.
func (w *world) awaitSeen(version string) {
	w.Helper()
	var seen string
	for range 1200 {
		var out api.GetWebhookResponse
		if err := w.own("GetWebhook", &out); err != nil {
			w.Fatal(err)
		}
		if out.Webhook.SeenVersion != nil {
			seen = *out.Webhook.SeenVersion
		}
		if seen == version {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.Fatalf("the service has seen %q, want %q\n%s", seen, version, w.platform.Log())
}

// hook sends a webhook as GitHub does, signed with the service's secret or another.
func (w *world) hook(body string, sign func(secret string) string) (status int, answer string) {
	w.Helper()
	var out api.GetWebhookResponse
	if err := w.own("GetWebhook", &out); err != nil {
		w.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, out.Webhook.Url, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(sign(out.Webhook.Secret)))
	mac.Write([]byte(body))
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func rightly(secret string) string { return secret }
func wrongly(string) string        { return "guessed" }

const pushToMain = `{"ref":"refs/heads/main"}`

func TestAutoDeploy_FindsCommitsByPolling(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), []string{"--poll-interval=200ms"})
	w.bring("running")
	w.holds(types.ServiceStatusRunning)
	w.push("Say good day", site("Good day"))
	w.eventually("Good day from source")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")

	// One that fails is not tried again and again.
	broken := w.push("Break it", map[string]string{"apprunner.yaml": "version: 2.0\n"})
	w.awaitSeen(broken)
	time.Sleep(time.Second) // five more looks
	w.wantOperations("START_DEPLOYMENT START_DEPLOYMENT CREATE_SERVICE")
	w.answers(http.StatusOK)
}

func TestAutoDeploy_HearsWebhooks(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), []string{never})
	w.bring("running")
	w.awaitSeen(w.head()) // by the look that follows each start of a server, which would find what is pushed
	w.push("Say good day", site("Good day"))
	for _, c := range []struct {
		body string
		sign func(string) string
		want int
	}{
		{pushToMain, wrongly, http.StatusUnauthorized},
		{`{"ref":"refs/heads/other"}`, rightly, http.StatusOK},
		{`{"ref":"refs/tags/main"}`, rightly, http.StatusOK},
		{strings.Repeat(" ", 3<<20) + pushToMain, rightly, http.StatusRequestEntityTooLarge},
	} {
		if status, answer := w.hook(c.body, c.sign); status != c.want {
			t.Errorf("%.40s is answered %d %s, want %d", c.body, status, answer, c.want)
		}
	}
	time.Sleep(500 * time.Millisecond)
	w.wantOperations("CREATE_SERVICE")
	if status, answer := w.hook(pushToMain, rightly); status != http.StatusAccepted || !strings.Contains(answer, "is looked at") {
		t.Errorf("the webhook is answered %d %s", status, answer)
	}
	w.eventually("Good day from source")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
	if status, _ := w.hook(pushToMain, rightly); status != http.StatusAccepted {
		t.Errorf("a second webhook is answered %d", status)
	}
	time.Sleep(500 * time.Millisecond)
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
}

// TestAutoDeploy_LeavesPausedServicesAlone: nothing fires for what is pushed while a service is paused, also not after the
// resume, and what is pushed then does.
func TestAutoDeploy_LeavesPausedServicesAlone(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), []string{"--poll-interval=200ms"})
	w.bring("running")
	w.do(pause)
	second := w.push("Say good day", site("Good day"))
	if status, answer := w.hook(pushToMain, rightly); status != http.StatusAccepted || !strings.Contains(answer, "is paused") {
		t.Errorf("the webhook is answered %d %s", status, answer)
	}
	w.do(resume)
	w.awaitSeen(second)
	time.Sleep(time.Second)
	w.wantOperations("RESUME_SERVICE PAUSE_SERVICE CREATE_SERVICE")
	w.holds(types.ServiceStatusRunning)

	w.push("Say good night", site("Good night"))
	w.eventually("Good night from source")
	w.wantOperations("START_DEPLOYMENT RESUME_SERVICE PAUSE_SERVICE CREATE_SERVICE")
}

// TestAutoDeploy_MindsTheSourceDirectory: a commit elsewhere in the repository is none of the service's business.
func TestAutoDeploy_MindsTheSourceDirectory(t *testing.T) {
	inside := func(word string) map[string]string {
		files := map[string]string{}
		for name, text := range site(word) {
			files["web/"+name] = text
		}
		return files
	}
	w := newSourceWorld(t, inside("Hello"), []string{"--poll-interval=200ms"})
	code := code(w.repo.URL())
	code.SourceDirectory = new("/web")
	w.do(w.createCode(code))
	w.awaitSeen(w.push("Write about it", map[string]string{"docs/readme": "read me\n"}))
	w.wantOperations("CREATE_SERVICE")
	w.push("Say good day", inside("Good day"))
	w.eventually("Good day from source")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
}

// TestAutoDeploy_FindsWhatCameWhileTheServerWasAway needs no webhook to be sent again.
func TestAutoDeploy_FindsWhatCameWhileTheServerWasAway(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), []string{"--poll-interval=200ms"})
	w.bring("running")
	if err := w.platform.Kill(); err != nil {
		t.Fatal(err)
	}
	w.push("Say good day", site("Good day"))
	w.startServer()
	w.eventually("Good day from source")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
}

// TestAutoDeploy_SaysWhyItCannotLook in the service's events and where its webhook is shown, and goes on when it can again.
func TestAutoDeploy_SaysWhyItCannotLook(t *testing.T) {
	w := newSourceWorld(t, site("Hello"), []string{"--poll-interval=200ms"})
	w.bring("running")
	away := w.repo.Bare + ".away"
	if err := os.Rename(w.repo.Bare, away); err != nil {
		t.Fatal(err)
	}
	w.awaitFailure(func(f *string) bool { return f != nil && strings.Contains(*f, w.repo.Bare) })
	w.awaitEvent("Can't see whether there is a new version to deploy. Reason: ")
	if err := os.Rename(away, w.repo.Bare); err != nil {
		t.Fatal(err)
	}
	w.awaitFailure(func(f *string) bool { return f == nil })
	w.holds(types.ServiceStatusRunning)
}

func (w *world) awaitFailure(want func(*string) bool) {
	w.Helper()
	var out api.GetWebhookResponse
	for range 1200 {
		out = api.GetWebhookResponse{}
		if err := w.own("GetWebhook", &out); err != nil {
			w.Fatal(err)
		}
		if want(out.Webhook.Failure) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.Fatalf("the webhook is %+v\n%s", out.Webhook, w.platform.Log())
}

func (w *world) awaitEvent(text string) {
	w.Helper()
	var out api.ListLogEventsResponse
	for range 100 {
		if err := w.own("ListLogEvents", &out, "Stream", string(api.LogStreamEvents)); err != nil {
			w.Fatal(err)
		}
		for _, e := range out.Events {
			if strings.Contains(e.Message, text) {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.Errorf("no event says %q: %+v", text, out.Events)
}

// greets is the example's image, saying something else.
func greets(t *testing.T, greeting string) v1.Image {
	t.Helper()
	img, err := aprontest.Image(programs.hello)
	if err == nil {
		img, err = mutate.Config(img, v1.Config{Entrypoint: []string{"/hello"}, Env: []string{"GREETING=" + greeting}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestAutoDeploy_TakesPushesToTheRegistry at once, of the tag that the service names, and of no other.
func TestAutoDeploy_TakesPushesToTheRegistry(t *testing.T) {
	w := newWorld(t, "APRON_POLL_INTERVAL=24h")
	w.bring("running")
	for _, ref := range []string{"hello:2", "other:1"} {
		if _, err := w.platform.Push(t.Context(), greets(t, "Not this"), ref); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(500 * time.Millisecond)
	w.wantOperations("CREATE_SERVICE")
	if _, err := w.platform.Push(t.Context(), greets(t, "Good day"), "hello:1"); err != nil {
		t.Fatal(err)
	}
	w.eventually("Good day")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")

	w.do(pause)
	if _, err := w.platform.Push(t.Context(), greets(t, "Good night"), "hello:1"); err != nil {
		t.Fatal(err)
	}
	w.do(resume)
	time.Sleep(500 * time.Millisecond)
	w.wantOperations("RESUME_SERVICE PAUSE_SERVICE START_DEPLOYMENT CREATE_SERVICE")
	w.answers(http.StatusOK)
}

// TestAutoDeploy_PollsOtherRegistries for what their tags point to.
func TestAutoDeploy_PollsOtherRegistries(t *testing.T) {
	elsewhere := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(elsewhere.Close)
	ref := strings.TrimPrefix(elsewhere.URL, "http://") + "/web:1"
	put := func(greeting string) {
		t.Helper()
		tag, err := name.NewTag(ref, name.Insecure)
		if err == nil {
			err = remote.Write(tag, greets(t, greeting), remote.WithContext(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("Hello")
	w := newWorld(t, "APRON_POLL_INTERVAL=100ms")
	w.do(createWith(ref, nil))
	put("Good day")
	w.eventually("Good day")
	w.wantOperations("START_DEPLOYMENT CREATE_SERVICE")
}

package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pair is both ends of a handover in one process.
func pair(t *testing.T, theirAnswers Answers) (ours, theirs *Conn) {
	t.Helper()
	a, file, err := sockets()
	if err != nil {
		t.Fatal(err)
	}
	b, err := unixConn(file)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = newConn(a), newConn(b)
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	ours.Start(nil)
	theirs.Start(theirAnswers)
	return ours, theirs
}

func TestAsk_CarriesManyQuestionsAtATime(t *testing.T) {
	ours, _ := pair(t, Answers{"double": func(_ context.Context, q Question) (Answer, error) {
		var n int
		err := q.Decode(&n)
		return Answer{Body: 2 * n}, err
	}})
	var wg sync.WaitGroup
	for n := range 200 {
		wg.Go(func() {
			var got int
			if _, err := ours.Ask(t.Context(), "double", n, &got); err != nil || got != 2*n {
				t.Errorf("double of %d = %d, %v", n, got, err)
			}
		})
	}
	wg.Wait()
}

func TestAsk_BringsOpenFiles(t *testing.T) {
	ours, _ := pair(t, Answers{"pipe": func(context.Context, Question) (Answer, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return Answer{}, err
		}
		_, err = io.WriteString(w, "through another process")
		return Answer{Sockets: []syscall.Conn{r}, Close: func() error { return errors.Join(r.Close(), w.Close()) }}, err
	}})
	files, err := ours.Ask(t.Context(), "pipe", nil, nil)
	if err != nil || len(files) != 1 {
		t.Fatalf("Ask = %v, %v", files, err)
	}
	defer files[0].Close()
	if text, err := io.ReadAll(files[0]); err != nil || string(text) != "through another process" {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestAsk_TellsErrors(t *testing.T) {
	ours, _ := pair(t, Answers{
		"fail": func(context.Context, Question) (Answer, error) { return Answer{}, errors.New("no such thing") },
		"flood": func(context.Context, Question) (Answer, error) {
			return Answer{Body: strings.Repeat("x", maxPacket)}, nil
		},
	})
	for what, want := range map[string]string{
		"fail": "no such thing", "flood": "is more than the 262144", "else": `does not know the question "else"`,
	} {
		if _, err := ours.Ask(t.Context(), what, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s = %v, want %q", what, err, want)
		}
	}
	if _, err := ours.Ask(t.Context(), "fail", strings.Repeat("x", maxPacket), nil); err == nil || !strings.Contains(err.Error(), "is more than the 262144") {
		t.Errorf("a question that is too long = %v", err)
	}
}

// TestAsk_LetsTheOtherEndWhenNobodyWaits wants the end of the asker's context to be the end of the other's, and its last word to
// be heard.
func TestAsk_LetsTheOtherEndWhenNobodyWaits(t *testing.T) {
	asked := make(chan struct{})
	ours, _ := pair(t, Answers{"wait": func(ctx context.Context, _ Question) (Answer, error) {
		close(asked)
		<-ctx.Done()
		return Answer{}, errors.New("2 requests were cut")
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := ours.Ask(ctx, "wait", nil, nil); err == nil || err.Error() != "2 requests were cut" {
		t.Errorf("Ask = %v", err)
	}
}

// TestAsk_EndsWithTheOtherProcess wants nobody to wait for one that is gone, and nothing to go on for it.
func TestAsk_EndsWithTheOtherProcess(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	ours, theirs := pair(t, Answers{"wait": func(ctx context.Context, _ Question) (Answer, error) {
		close(asked)
		<-ctx.Done()
		close(ended)
		return Answer{}, nil
	}})
	go func() { <-asked; theirs.Close() }()
	if _, err := ours.Ask(t.Context(), "wait", nil, nil); !errors.Is(err, ErrGone) {
		t.Errorf("Ask = %v, want %v", err, ErrGone)
	}
	<-ended
	<-ours.Done()
	if _, err := ours.Ask(t.Context(), "wait", nil, nil); !errors.Is(err, ErrGone) {
		t.Errorf("Ask after the end = %v, want %v", err, ErrGone)
	}
}

func TestDoor_SaysWhatHappensAndWhy(t *testing.T) {
	dir := t.TempDir() + strings.Repeat("/a-directory-of-a-long-name", 5) // longer than a socket's address may be
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Ask(t.Context(), dir, Request{}, nil); !errors.Is(err, ErrNoDoor) {
		t.Errorf("Ask without a server = %v", err)
	}
	for range 2 { // the second finds what the first has left
		door, err := OpenDoor(dir, func(_ context.Context, r Request, say func(string)) error {
			say("starts " + r.Binary)
			say(fmt.Sprint("within ", r.Limit))
			return errors.New("it does not want to")
		})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		err = Ask(t.Context(), dir, Request{Binary: "/bin/new", Limit: time.Minute}, func(text string) { said = append(said, text) })
		if refused, ok := errors.AsType[*Refused](err); !ok || refused.Reason != "it does not want to" {
			t.Errorf("Ask = %v", err)
		}
		if got := strings.Join(said, "; "); got != "starts /bin/new; within 1m0s" {
			t.Errorf("it said %q", got)
		}
		if err := door.Shut(); err != nil {
			t.Error(err)
		}
		door.Wait()
	}
}

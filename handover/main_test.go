package handover

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// TestMain is also the new process of the tests: what it does is in NEW_PROCESS.
func TestMain(m *testing.M) {
	if does := os.Getenv("NEW_PROCESS"); does != "" && os.Getenv(envSocket) != "" {
		if err := newProcess(does); err != nil {
			fmt.Fprintln(os.Stderr, "new process:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func newProcess(does string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	g := Greeting{Protocol: Protocol, Version: "new", Schema: 7, PID: os.Getpid()}
	switch does {
	case "exit":
		os.Exit(3)
	case "hang":
		signal.Ignore(syscall.SIGTERM)
		select {}
	case "older":
		g.Protocol--
	}
	from, err := Inherited(ctx, g)
	if err != nil {
		return err
	}
	from.Start(Answers{"sockets": func(context.Context, Question) (Answer, error) {
		names := map[string]string{}
		for name, l := range from.Sockets {
			names[name] = l.Addr().String()
		}
		return Answer{Body: names}, nil
	}})
	<-from.Done()
	return json.NewEncoder(os.Stderr).Encode(from.Greeting)
}

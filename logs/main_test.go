package logs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The test binary is also the processes that the tests need: an instance that writes to its file, and a server.
func TestMain(m *testing.M) {
	switch os.Getenv("LOGS_TEST_PROCESS") {
	case "instance":
		writeNumbers()
	case "rotator":
		rotateForEver()
	case "server":
		writeEvents()
	default:
		os.Exit(m.Run())
	}
}

// writeNumbers writes numbered lines to stdout, as an instance does, with its output handed down by another process.
func writeNumbers() {
	n, _ := strconv.Atoi(os.Getenv("LOGS_TEST_LINES"))
	for i := range n {
		fmt.Fprint(os.Stdout, numbered(i))
	}
}

func numbered(i int) string { return fmt.Sprintf("%08d %s\n", i, strings.Repeat("x", i%120)) }

func numberedUpTo(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(numbered(i))
	}
	return b.Bytes()
}

// writeEvents writes events as fast as it can until it is killed.
func writeEvents() {
	l, err := Open(os.Getenv("LOGS_TEST_DIR"), Config{})
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		if err := l.Event(web, fmt.Sprintf("event %d %s.", i, strings.Repeat("y", i%5000))); err != nil {
			panic(err)
		}
	}
}

// rotateForEver rotates until it is killed.
func rotateForEver() {
	l, err := Open(os.Getenv("LOGS_TEST_DIR"), Config{MaxSize: 128 << 10, Keep: 1000})
	for err == nil {
		err = l.rotateAll(context.Background())
	}
	panic(err)
}

// process starts this test binary as one of the above.
func process(t *testing.T, kind string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "LOGS_TEST_PROCESS="+kind)...)
	cmd.Stderr = os.Stderr
	t.Cleanup(func() {
		if cmd.Process != nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd
}

var web = Service{Name: "web", ID: "00112233445566778899aabbccddeeff"}

func openLogs(tb testing.TB, dir string, cfg Config) *Logs {
	tb.Helper()
	l, err := Open(dir, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// eventually fails the test when what is not true within a minute.
func eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within a minute: %s", what)
		}
	}
}

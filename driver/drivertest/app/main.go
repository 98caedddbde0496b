// Command app is the program inside the image that drivers are tested with: testapp as a process of its own.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"apron/driver/drivertest/testapp"
)

func main() {
	term, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(testapp.Run(context.Background(), testapp.Process{
		Args:   os.Args,
		Env:    os.Environ(),
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Term:   term.Done(),
		Listen: func(port string) (net.Listener, error) { return net.Listen("tcp", ":"+port) },
		Eat:    eat,
		Write:  write,
		Reach:  reach,
		Copy:   copyFile,
	}))
}

var eaten [][]byte

// eat touches every page, because memory that was never written is not counted.
func eat(mib int) {
	debug.SetGCPercent(-1)
	for range mib {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		eaten = append(eaten, block)
	}
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

func reach(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}

func write(mib int) error {
	f, err := os.OpenFile("/written", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for n := range mib {
		if _, err := f.Write(block); err != nil {
			return fmt.Errorf("after %d MiB: %w", n, err)
		}
	}
	return f.Close()
}

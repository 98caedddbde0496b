package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
)

// bare measures the program started without any container.
func (b *bench) bare(*types.Service) (time.Duration, error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(b.program)
	cmd.Env = []string{"PORT=" + port}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err = b.poll(http.DefaultClient, "http://127.0.0.1:"+port+"/")
	took := time.Since(begin)
	return took, errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// runc measures the program started by the runc binary from a bundle that is prepared beforehand. It runs in the
// host's network, because nothing else could poll it: making a network is left out of runc's time, not of apron's.
func (b *bench) runc(*types.Service) (time.Duration, error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	bundle, err := os.MkdirTemp(b.dir, "bundle-")
	if err != nil {
		return 0, err
	}
	if err := b.makeBundle(bundle, port); err != nil {
		return 0, err
	}
	id := filepath.Base(bundle)
	output, err := os.Create(filepath.Join(bundle, "output")) // a file: the program keeps it open beyond runc's end
	if err != nil {
		return 0, err
	}
	defer output.Close()
	cmd := exec.CommandContext(b.ctx, "runc", "run", "--detach", "--bundle", bundle, id)
	cmd.Stdout, cmd.Stderr = output, output
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		return 0, fmt.Errorf("runc run: %w\n%s", err, text)
	}
	err = b.poll(http.DefaultClient, "http://127.0.0.1:"+port+"/")
	took := time.Since(begin)
	out, deleteErr := exec.Command("runc", "delete", "--force", id).CombinedOutput()
	if deleteErr != nil {
		deleteErr = fmt.Errorf("runc delete: %w\n%s", deleteErr, out)
	}
	return took, errors.Join(err, deleteErr)
}

// makeBundle writes what runc needs: the program in a root, and runc's own default configuration with the program as
// its command, without a terminal and in the host's network.
func (b *bench) makeBundle(bundle, port string) error {
	if err := os.Mkdir(filepath.Join(bundle, "rootfs"), 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(b.program)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bundle, "rootfs", "hello"), text, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("runc", "spec", "--bundle", bundle).CombinedOutput(); err != nil {
		return fmt.Errorf("runc spec: %w\n%s", err, out)
	}
	path := filepath.Join(bundle, "config.json")
	if text, err = os.ReadFile(path); err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	process := spec["process"].(map[string]any)
	process["terminal"], process["args"], process["env"] = false, []string{"/hello"}, []string{"PORT=" + port}
	linux := spec["linux"].(map[string]any)
	var kept []any
	for _, ns := range linux["namespaces"].([]any) {
		if ns.(map[string]any)["type"] != "network" {
			kept = append(kept, ns)
		}
	}
	linux["namespaces"] = kept
	if text, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

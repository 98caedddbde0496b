package runtimes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// hostPath is where programs are looked for on this machine, and what a build on it has as PATH. /usr/local/go is where Go's own
// archive goes.
const hostPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin"

// hostTrees are what a build sees of this machine. A program that a link leads out of them to would not be there.
var hostTrees = []string{"/usr/", "/bin/", "/sbin/", "/lib"}

// hostBase is this machine as a base. Its error says which programs are missing, or which version is there instead.
func (b *Bases) hostBase(ctx context.Context, rt Runtime, lock string) (Base, error) {
	var probe string
	var missing []string
	for _, tool := range rt.Tools {
		path := findTool(tool)
		if path == "" {
			missing = append(missing, tool)
		}
		if tool == rt.Probe[0] {
			probe = path
		}
	}
	if len(missing) > 0 {
		return Base{}, &Error{fmt.Sprintf("this machine has no %s in %s", strings.Join(missing, ", no "), hostPath)}
	}
	version, err := b.hostVersion(ctx, rt, probe)
	if err != nil {
		return Base{}, err
	}
	if err := rt.suits("this machine", version, lock); err != nil {
		return Base{}, err
	}
	return Base{Host: true, Version: version, Ref: Host, Env: map[string]string{"PATH": hostPath}}, nil
}

func findTool(name string) string {
	for dir := range strings.SplitSeq(hostPath, ":") {
		path := filepath.Join(dir, name)
		real, err := filepath.EvalSymlinks(path)
		if err != nil || !slices.ContainsFunc(hostTrees, func(tree string) bool { return strings.HasPrefix(real, tree) }) {
			continue
		}
		if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

const hostProbeLimit = 15 * time.Second

// hostVersion is the version of a program of this machine, which is asked anew when the file is another.
func (b *Bases) hostVersion(ctx context.Context, rt Runtime, program string) (string, error) {
	info, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("%s %d %v", program, info.Size(), info.ModTime())
	b.mu.Lock()
	version, ok := b.host[key]
	b.mu.Unlock()
	if ok {
		return version, nil
	}
	if version, err = askHost(ctx, rt, program); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.host[key] = version
	return version, nil
}

// askHost asks the program itself, with nothing of the server's environment.
func askHost(ctx context.Context, rt Runtime, program string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, hostProbeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, rt.Probe[1:]...)
	cmd.Env = []string{"PATH=" + hostPath, "HOME=/nonexistent", "LC_ALL=C"}
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if version, ok := rt.version(string(out)); ok && err == nil {
		return version, nil
	}
	if err == nil {
		err = fmt.Errorf("it printed %.200q", strings.TrimSpace(string(out)))
	}
	return "", &Error{fmt.Sprintf("this machine's `%s` told no version: %v", strings.Join(rt.Probe, " "), err)}
}

//go:build linux && cgo

package container

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"apron/driver"
)

// look is what a build on the host base sees: a line for each thing asked for.
const look = `
	for f in /etc/shadow /etc/gshadow /etc/sudoers /etc/ssh /etc/ssl/private /etc/apt /etc/pip.conf /etc/npmrc /etc/environment /var/lib/dpkg "$DATA" "$PLANTED"; do
		if [ -e "$f" ]; then echo "sees $f"; fi
	done
	for d in /root /home /opt /srv /var/lib /var/log /run; do ls -A $d | sed "s|^|sees $d/|"; done
	if grep -v -e ^root: -e ^daemon: -e ^nobody: /etc/passwd; then echo "sees users"; fi
	for d in /usr /etc/ssl/certs /etc/alternatives; do
		if touch $d/apron-test 2>/dev/null; then echo "writes to $d"; fi
	done
	grep ' /usr ' /proc/self/mountinfo | cut -d' ' -f6 | grep -q 'ro,nosuid,nodev' || echo "has /usr mounted with more"
	echo hello > /etc/mine && echo hello > /root/mine && echo hello > /opt/mine || echo "cannot write to its own"
`

func TestHost_ShowsProgramsAndNothingElseOfTheMachine(t *testing.T) {
	for _, withUsers := range []bool{true, false} {
		h := newHost(t)
		if !withUsers {
			h.withoutUsers()
		}
		planted := filepath.Join("/var/tmp", newID()) // where the base has a directory of its own
		if err := os.WriteFile(planted, []byte("secret"), 0o644); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(planted)
		for _, path := range []string{"/etc/shadow", planted, h.dir} {
			if _, err := os.Stat(path); err != nil {
				t.Fatalf("the machine itself has no %s: this test would not see it", path)
			}
		}
		s := h.build(look)
		s.Env = append(s.Env, "DATA="+h.dir, "PLANTED="+planted)
		if exit, log := h.run(s); exit.Code != 0 || log != "" {
			t.Errorf("with user namespaces: %v; exit %+v:\n%s", withUsers, exit, log)
		}
		h.destroy(s.ID)
	}
	if _, err := os.Stat("/usr/apron-test"); err == nil {
		t.Error("a build wrote to the machine's own /usr")
	}
}

// What the machine keeps for its own root stays unread even where that is within reach.
func TestHost_RootInsideOwnsNothingOfTheMachine(t *testing.T) {
	h := newUsersHost(t)
	secret, err := os.CreateTemp("/usr/local", "apron-test-") // with mode 0600
	if err != nil {
		t.Skipf("nothing can be put into /usr/local here: %v", err)
	}
	defer os.Remove(secret.Name())
	if _, err := secret.WriteString("for the machine's root alone"); err != nil {
		t.Fatal(err)
	}
	s := h.build(`stat -c %u:%g /usr/bin/env "$SECRET"; ! cat "$SECRET" 2>/dev/null`)
	s.Env = append(s.Env, "SECRET="+secret.Name())
	if exit, log := h.run(s); exit.Code != 0 || log != "65534:65534\n65534:65534\n" {
		t.Errorf("exit %+v:\n%s", exit, log)
	}
}

func TestHost_ToolchainsOfTheMachineWork(t *testing.T) {
	h := newHost(t)
	tested := 0
	for program, script := range map[string]string{
		"/usr/bin/python3":     `printf 'import json, ssl, sqlite3; print("python works")' > a.py; /usr/bin/python3 a.py | grep 'python works'`,
		"/usr/bin/node":        `printf 'console.log("node works")' > a.js; /usr/bin/node a.js | grep 'node works'`,
		"/usr/bin/perl":        `/usr/bin/perl -e 'use POSIX; print "perl works\n"' | grep 'perl works'`,
		"/usr/bin/java":        `/usr/bin/java -version`,
		"/usr/local/go/bin/go": `/usr/local/go/bin/go list std | grep -x fmt`,
	} {
		if _, err := os.Stat(program); err != nil {
			t.Logf("this machine has no %s", program)
			continue
		}
		tested++
		s := h.build(script)
		s.Memory, s.CPU, s.Build.Dir = 1024, 2048, "/app"
		if exit, log := h.run(s); exit.Code != 0 {
			t.Errorf("%s: exit %+v:\n%s", program, exit, log)
		}
	}
	if tested == 0 {
		t.Error("this machine has none of the toolchains: nothing was tested")
	}
}

func TestHost_ADataDirectoryThatItWouldShowIsRefused(t *testing.T) {
	h := newHost(t)
	for dir, refused := range map[string]bool{"/usr/local/apron": true, "/etc/apron": true, "/usrlocal": false, h.dir: false} {
		d := &Driver{cfg: Config{Dir: dir}}
		if err := d.checkHost(); (err != nil) != refused {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestHost_KillsAtAnyMomentOfABuildLeaveWhatDestroyRemoves(t *testing.T) {
	h := newHost(t)
	cache := tree(t, map[string]string{"kept": "kept"})
	h.killStarts(func() driver.Spec {
		s := h.build("echo more > /cache/more; sleep 60")
		s.Build.Mounts = []driver.Mount{{Source: cache, Target: "/cache"}}
		return s
	})
	if data, err := os.ReadFile(filepath.Join(cache, "kept")); string(data) != "kept" {
		t.Errorf("the cache holds %q, %v: something was removed through a mount", data, err)
	}
	if out, err := exec.Command("/bin/sh", "-c", "command -v sh && ls /usr/bin/env").CombinedOutput(); err != nil || strings.TrimSpace(string(out)) == "" {
		t.Errorf("the machine's own programs: %v\n%s", err, out)
	}
}

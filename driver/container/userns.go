//go:build linux && cgo

package container

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/runc/libcontainer/configs"
	"golang.org/x/sys/unix"
)

const (
	// idCount is how many user and group ids an instance has: 0 to 65535, as on any machine.
	idCount = 1 << 16

	// firstIDs begins the range of the first instance. From here to 0x7FFDFFFF systemd's list of ids has no other
	// use, and that is room for just as many ranges as a subnet has addresses.
	firstIDs = 0x70000000
)

// users is the user namespace of an instance. The zero value is the host's own: the machine cannot do better.
type users struct {
	ns   *os.File
	base int // the id on the host that is 0 inside
}

// idBase gives each address ids of its own. Servers on one host count alike, so an instance of another server may
// have the same ones; it is still in other namespaces, and its files are in a directory of the other server's.
func idBase(address int) int { return firstIDs + (address-1)*idCount }

func (u users) exist() bool { return u.ns != nil }

func (u users) close() error {
	if u.ns == nil {
		return nil
	}
	return u.ns.Close()
}

// onHost is what an id of the instance is outside.
func (u users) onHost(id int) int { return u.base + id }

func (u users) mapping() []configs.IDMap {
	return []configs.IDMap{{ContainerID: 0, HostID: int64(u.base), Size: idCount}}
}

// own gives a file that the host made to the instance's root or another of its users.
func (u users) own(f *os.File, uid, gid int) error {
	if !u.exist() {
		return nil
	}
	return f.Chown(u.onHost(uid), u.onHost(gid))
}

// check refuses a user that the namespace does not have.
func (u users) check(p program) error {
	if !u.exist() {
		return nil
	}
	for _, id := range slices.Concat([]int{p.uid, p.gid}, p.groups) {
		if id >= idCount {
			return imageError("the image's user or one of its groups has the id %d, but an instance's ids end at %d; build the image with a lower one", id, idCount-1)
		}
	}
	return nil
}

// newNamespaces makes a user namespace of the ids from base and a network namespace that belongs to it. A process
// with threads can't move into a new user namespace, so one is made to be born there. The tracing stops it before
// its first instruction, and it is killed once the namespaces are held by descriptors. The caller's goroutine must
// be locked to its thread.
func newNamespaces(base int) (u users, net *os.File, err error) {
	child, err := os.StartProcess("/proc/self/exe", []string{"apron", "namespaces"}, &os.ProcAttr{
		Env: []string{},
		Sys: mapped(base, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Ptrace: true, Pdeathsig: unix.SIGKILL}),
	})
	if err != nil {
		return users{}, nil, fmt.Errorf("make user namespace: %w", err)
	}
	defer func() {
		_ = child.Kill() // cannot be gone: nobody else has collected it
		_, _ = child.Wait()
	}()
	dir := "/proc/" + strconv.Itoa(child.Pid) + "/ns/"
	ns, err := os.Open(dir + "user")
	if err != nil {
		return users{}, nil, err
	}
	if net, err = os.Open(dir + "net"); err != nil {
		return users{}, nil, errors.Join(err, ns.Close())
	}
	return users{ns: ns, base: base}, net, nil
}

func mapped(base int, attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	attr.Cloneflags |= unix.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{HostID: base, Size: idCount}}
	attr.GidMappings = attr.UidMappings
	attr.GidMappingsEnableSetgroups = true
	return attr
}

// tryUsers finds out whether instances with state in dir can have user namespaces, by making the root of one there
// and mounting, as root of the namespace, what only the owner of all the namespaces involved may mount.
func tryUsers(dir string) error {
	tmp, err := trialDir(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	lower := filepath.Join(tmp, "lower")
	if err := errors.Join(os.Mkdir(lower, 0o755), os.Mkdir(filepath.Join(lower, "proc"), 0o755), os.Mkdir(filepath.Join(lower, "sys"), 0o755)); err != nil {
		return err
	}
	return onOwnThread(func() error {
		base := idBase(1) // no instance's
		u, net, err := newNamespaces(base)
		if err != nil {
			return err
		}
		defer u.close()
		defer net.Close()
		if err := errors.Join(ownMounts(), mountRoot(tmp, "check", []string{lower}, u)); err != nil {
			return err
		}
		return runTrial(base)
	})
}

const (
	trialDirs    = ".check-"              // followed by random digits
	trialArg     = "user-namespace-trial" // makes this program the other side of tryUsers
	trialTimeout = 10 * time.Second       // it takes some hundredths of a second
)

// trialDir makes a directory for trials in dir, and removes those of trials that were killed.
func trialDir(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	old, _ := filepath.Glob(filepath.Join(dir, trialDirs+"*"))
	for _, path := range old {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > time.Minute {
			_ = os.RemoveAll(path) // the next trial tries again
		}
	}
	return os.MkdirTemp(dir, trialDirs)
}

func runTrial(base int) error {
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	child, err := os.StartProcess("/proc/self/exe", []string{"apron", trialArg}, &os.ProcAttr{
		Env: []string{}, Files: []*os.File{nil, nil, in},
		Sys: mapped(base, &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC,
			Credential: &syscall.Credential{}, Pdeathsig: unix.SIGKILL,
		}),
	})
	if err := errors.Join(err, in.Close()); err != nil {
		return err
	}
	_ = out.SetReadDeadline(time.Now().Add(trialTimeout))
	text, err := io.ReadAll(io.LimitReader(out, 4096)) // nothing, and its end, if all went well
	if err != nil {
		_ = child.Kill()
	}
	state, waited := child.Wait()
	if err := errors.Join(err, waited); err != nil {
		return err
	}
	if !state.Success() {
		return fmt.Errorf("root of a user namespace: %s: %s", state, strings.TrimSpace(string(text)))
	}
	return nil
}

// trial runs as root of a user namespace, in a root that mountRoot has made.
func trial() error {
	if err := os.Chdir(rootPoint); err != nil {
		return err
	}
	if info, err := os.Stat("proc"); err != nil {
		return err
	} else if st := info.Sys().(*syscall.Stat_t); st.Uid != 0 || st.Gid != 0 {
		return fmt.Errorf("a file of root is seen as one of user %d, group %d", st.Uid, st.Gid)
	}
	return errors.Join(
		os.WriteFile("file", nil, 0o600),
		os.NewSyscallError("mount proc", unix.Mount("proc", "proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")),
		os.NewSyscallError("mount sysfs", unix.Mount("sysfs", "sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_RDONLY, "")),
	)
}

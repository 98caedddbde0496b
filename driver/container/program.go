//go:build linux && cgo

package container

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"apron/driver"
	"apron/image"
)

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// program is what an instance executes, as whom and where.
type program struct {
	args   []string
	env    []string
	dir    string
	uid    int
	gid    int
	groups []int
}

func imageError(format string, args ...any) error {
	return &driver.ImageError{Reason: fmt.Sprintf(format, args...)}
}

// checkImage finds what can be known to fail before anything is made.
func checkImage(img image.Image, spec driver.Spec) error {
	switch {
	case img.Architecture != runtime.GOARCH:
		return imageError("the image is built for %s, but this machine is %s; build it for linux/%s",
			cmpOr(img.Architecture, "an unknown CPU"), runtime.GOARCH, runtime.GOARCH)
	case layerCount(img, spec) == 0:
		return imageError("the image has no layers, so there is no program in it")
	case layerCount(img, spec) > maxLayers:
		return imageError("the image has %d layers; at most %d can be run, so squash it or use fewer build steps", layerCount(img, spec), maxLayers)
	case len(command(img, spec)) == 0:
		return imageError("the image names no program to start (no ENTRYPOINT and no CMD); set a start command")
	}
	_, err := stopSignal(img)
	return err
}

func layerCount(img image.Image, spec driver.Spec) int {
	n := len(img.Layers)
	if spec.Host {
		n++
	}
	if spec.Build != nil {
		n += len(spec.Build.Layers)
	}
	return n
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func command(img image.Image, spec driver.Spec) []string {
	if spec.Build != nil {
		return spec.Command
	}
	if len(spec.Command) > 0 {
		return slices.Concat(img.Entrypoint, spec.Command)
	}
	return slices.Concat(img.Entrypoint, img.Cmd)
}

// newProgram resolves the image's settings against the files in root.
func newProgram(root rootDir, img image.Image, spec driver.Spec) (program, error) {
	name, dir := img.User, img.WorkingDir
	if spec.Build != nil {
		name, dir = "0", cmpOr(spec.Build.Dir, dir)
	}
	who, err := findUser(root, name)
	if err != nil {
		return program{}, err
	}
	p := program{
		args: command(img, spec), dir: path.Join("/", dir),
		uid: who.Uid, gid: who.Gid, groups: who.Sgids,
	}
	home := cmpOr(who.Home, "/")
	p.env = environment([]string{defaultPath, "HOSTNAME=" + hostname(spec.ID), "HOME=" + home}, img.Env, spec.Env)
	return p, p.check(root)
}

// environment merges lists of KEY=value; the last one to name a key wins.
func environment(lists ...[]string) []string {
	value := map[string]string{}
	for _, list := range lists {
		for _, kv := range list {
			if k, _, ok := strings.Cut(kv, "="); ok && k != "" {
				value[k] = kv
			}
		}
	}
	return slices.Sorted(maps.Values(value))
}

// findUser resolves a USER of the image, names by the image's own /etc/passwd and /etc/group.
func findUser(root rootDir, name string) (*user.ExecUser, error) {
	passwd, closePasswd := optional(root, "/etc/passwd")
	defer closePasswd()
	group, closeGroup := optional(root, "/etc/group")
	defer closeGroup()
	who, err := user.GetExecUser(name, &user.ExecUser{Home: "/"}, passwd, group)
	if err != nil {
		return nil, imageError("the image's user %q is not known in the image: %v", name, err)
	}
	return who, nil
}

func optional(root rootDir, name string) (io.Reader, func()) {
	f, err := root.open(name, unix.O_RDONLY)
	if err != nil {
		return nil, func() {}
	}
	return f, func() { _ = f.Close() }
}

// check finds the program and looks whether this kernel can execute it: libcontainer's own errors about it reach
// nobody, because by then the instance's output is already the application's.
func (p program) check(root rootDir) error {
	if dir, err := root.open(p.dir, unix.O_PATH|unix.O_DIRECTORY); err == nil {
		_ = dir.Close()
	} else if !errors.Is(err, fs.ErrNotExist) { // a missing one is made
		return imageError("the image's working directory cannot be entered: %v", err)
	}
	name := p.args[0]
	if strings.Contains(name, "/") {
		return checkExecutable(root, name, p.inDir(name), 0)
	}
	for dir := range strings.SplitSeq(p.lookup("PATH"), ":") {
		err := checkExecutable(root, name, path.Join(p.inDir(dir), name), 0)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNotExecutable) {
			return err
		}
	}
	return imageError("the program %q was not found in the image: looked in PATH=%s", name, p.lookup("PATH"))
}

func (p program) inDir(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(p.dir, name)
}

func (p program) lookup(key string) string {
	for _, kv := range p.env {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v
		}
	}
	return ""
}

// errNotExecutable and fs.ErrNotExist are wrapped with the sentence for the user, so that a search of PATH can go on.
var errNotExecutable = errors.New("not executable")

type programError struct {
	driver.ImageError
	kind error
}

func (e *programError) Unwrap() []error { return []error{&e.ImageError, e.kind} }

func checkExecutable(root rootDir, shown, file string, depth int) error {
	f, err := root.open(file, unix.O_RDONLY)
	if err != nil {
		return &programError{driver.ImageError{Reason: fmt.Sprintf("the program %q was not found in the image (%v)", shown, err)}, fs.ErrNotExist}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return &programError{driver.ImageError{Reason: fmt.Sprintf("the program %q cannot be executed: its mode is %v", shown, info.Mode())}, errNotExecutable}
	}
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	switch {
	case strings.HasPrefix(string(head), elf.ELFMAG):
		return checkELF(root, shown, f)
	case strings.HasPrefix(string(head), "#!") && depth < 4: // as many levels as the kernel follows
		return checkScript(root, shown, string(head[2:]), depth)
	}
	return imageError("the program %q is neither a Linux binary nor a script that begins with #!: exec format error", shown)
}

func checkScript(root rootDir, shown, head string, depth int) error {
	line, _, _ := strings.Cut(head, "\n")
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' }) // a \r belongs to the name
	if len(fields) == 0 {
		return imageError("the script %q names no interpreter after #!", shown)
	}
	err := checkExecutable(root, fields[0], fields[0], depth+1)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotExecutable) {
		return imageError("the script %q needs the interpreter %q, which the image does not have (mind Windows line ends)", shown, fields[0])
	}
	return err
}

// machines are what the CPU executes and the seccomp profile lets run: no 32-bit programs on a 64-bit machine.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "386": elf.EM_386, "arm": elf.EM_ARM,
	"riscv64": elf.EM_RISCV, "ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390,
}

func checkELF(root rootDir, shown string, f io.ReaderAt) error {
	bin, err := elf.NewFile(f)
	if err != nil {
		return imageError("the program %q is a damaged binary: exec format error (%v)", shown, err)
	}
	if native, ok := machines[runtime.GOARCH]; ok && bin.Machine != native {
		return imageError("the program %q is built for %v, but this machine is %s: exec format error", shown, bin.Machine, runtime.GOARCH)
	}
	for _, p := range bin.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		loader, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err != nil {
			return imageError("the program %q is a damaged binary: %v", shown, err)
		}
		name := strings.TrimRight(string(loader), "\x00")
		if l, err := root.open(name, unix.O_PATH); err != nil {
			return imageError("the program %q needs the loader %s, which the image does not have: link it statically or use a base image with the same C library", shown, name)
		} else {
			_ = l.Close()
		}
	}
	return nil
}

// stopSignal is the signal that asks the instance to end. The image may name it or give its number.
func stopSignal(img image.Image) (unix.Signal, error) {
	if img.StopSignal == "" {
		return unix.SIGTERM, nil
	}
	var n int
	if _, err := fmt.Sscanf(img.StopSignal, "%d", &n); err == nil && n > 0 && n < 65 {
		return unix.Signal(n), nil
	}
	name := strings.ToUpper(img.StopSignal)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if s := unix.SignalNum(name); s != 0 {
		return s, nil
	}
	return 0, imageError("the image's stop signal %q is not one that Linux knows", img.StopSignal)
}

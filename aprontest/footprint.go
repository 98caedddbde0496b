package aprontest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"apron/driver/container"
)

// Footprint counts what instances hold on the machine, by looking at the machine and not at what the platform says.
type Footprint struct {
	Processes  int
	Cgroups    int // directories, one for each controller and instance
	Mounts     int
	Links      int // host ends of the instances' network links
	Namespaces int // of the network; also one that nothing but an open descriptor holds
	Bytes      int64
}

// Zero tells whether nothing is held.
func (f Footprint) Zero() bool { return f == Footprint{} }

func (f Footprint) String() string {
	return fmt.Sprintf("%d processes, %d cgroups, %d mounts, %d network links, %d namespaces, %d bytes",
		f.Processes, f.Cgroups, f.Mounts, f.Links, f.Namespaces, f.Bytes)
}

// Trace is how to find again what a service's instances hold. It is taken while they run.
type Trace struct {
	data      string
	instances []string
	links     map[string]int // name to index, because a later instance may get the name
	// Network namespaces: the number that links show ("net:[4026532000]"), which the kernel gives again to a later one, to
	// the cookie, which it does not.
	namespaces map[string]uint64
}

// Trace notes what the service's instances hold now. A platform that has no instance of it gives an empty trace, which
// is an error: nothing could be proved with it.
func (p *Platform) Trace(serviceID string) (*Trace, error) {
	t := &Trace{data: p.Data, links: map[string]int{}, namespaces: map[string]uint64{}}
	dirs, err := filepath.Glob(filepath.Join(p.Data, "driver", "instances", "*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if err := t.add(dir, serviceID); err != nil {
			return nil, fmt.Errorf("trace instance %s: %w", filepath.Base(dir), err)
		}
	}
	if len(t.instances) == 0 {
		return nil, fmt.Errorf("service %s has no instance to trace", serviceID)
	}
	return t, nil
}

func (t *Trace) add(dir, serviceID string) error {
	var record struct {
		Spec    struct{ ID, Service string }
		Address int
	}
	if err := readJSON(filepath.Join(dir, "spec.json"), &record); err != nil || record.Spec.Service != serviceID {
		return err
	}
	var started struct{ PID int }
	if err := readJSON(filepath.Join(dir, "started.json"), &started); err != nil {
		return err
	}
	path := fmt.Sprintf("/proc/%d/ns/net", started.PID)
	namespace, err := os.Readlink(path)
	if err != nil {
		return err
	}
	t.instances = append(t.instances, record.Spec.ID)
	if t.namespaces[namespace], err = netCookie(path); err != nil {
		return err
	}
	link, err := net.InterfaceByName(container.LinkName(container.Namespace(filepath.Join(t.data, "driver")), record.Address))
	if err != nil {
		return err
	}
	t.links[link.Name] = link.Index
	return nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// PIDs are the processes in the traced instances now.
func (t *Trace) PIDs() (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && t.has(dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// has tells whether the process is in a traced instance. One that has ended and that nobody but the machine's first
// process can still collect, because the server that started it is gone, holds nothing of the instance.
func (t *Trace) has(dir string) bool {
	cgroup, err := os.ReadFile(dir + "/cgroup")
	if err != nil || !t.names(string(cgroup)) {
		return false
	}
	stat, err := os.ReadFile(dir + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name: state, parent
	return err == nil && !strings.HasPrefix(rest, "Z 1 ")
}

// Footprint counts what is left of the traced instances.
func (t *Trace) Footprint() (f Footprint, err error) {
	if f.Processes, f.Namespaces, err = t.processes(); err != nil {
		return f, err
	}
	if f.Cgroups, f.Bytes, err = t.files(); err != nil {
		return f, err
	}
	if f.Mounts, err = t.mounts(); err != nil {
		return f, err
	}
	for name, index := range t.links {
		if link, err := net.InterfaceByName(name); err == nil && link.Index == index {
			f.Links++
		}
	}
	return f, nil
}

// processes counts the processes in the instances' cgroups, and the traced network namespaces that any process of the
// machine is in or has open.
func (t *Trace) processes() (processes, namespaces int, err error) {
	pids, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, 0, err
	}
	held := map[string]bool{}
	for _, dir := range pids {
		if t.has(dir) {
			processes++
		}
		for _, ns := range append([]string{dir + "/ns/net"}, descriptors(dir)...) {
			if target, err := os.Readlink(ns); err == nil && t.isNamespace(target, ns) {
				held[target] = true
			}
		}
	}
	return processes, len(held), nil
}

func descriptors(dir string) []string {
	list, _ := filepath.Glob(dir + "/fd/*") // a process may be gone by now
	return list
}

// names tells whether the text has one of the instances' ids.
func (t *Trace) names(text string) bool {
	for _, id := range t.instances {
		if strings.Contains(text, id) {
			return true
		}
	}
	return false
}

// files counts the instances' cgroup directories and the bytes of their directories, records and empty directories
// included.
func (t *Trace) files() (cgroups int, bytes int64, err error) {
	err = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && t.names(path) {
			cgroups++
		}
		return nil // what vanishes on the way is gone
	})
	if err != nil {
		return 0, 0, err
	}
	for _, id := range t.instances {
		n, err := bytesUnder(filepath.Join(t.data, "driver", "instances", id))
		if err != nil {
			return 0, 0, err
		}
		bytes += n
	}
	return cgroups, bytes, nil
}

// bytesUnder adds up the files under dir that are on dir's own file system: the image's files, which the instance's
// root shows through a mount, are not the instance's.
func bytesUnder(dir string) (bytes int64, err error) {
	home, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	device := func(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Dev }
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what vanishes on the way is gone
		}
		info, err := d.Info()
		switch {
		case err != nil:
			return nil
		case device(info) == device(home):
			bytes += info.Size()
		case d.IsDir():
			return fs.SkipDir
		}
		return nil
	})
	return bytes, err
}

// mounts counts the mounts of this machine that name an instance, in any process's view.
func (t *Trace) mounts() (n int, err error) {
	views, err := filepath.Glob("/proc/[0-9]*/mountinfo")
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, view := range views {
		text, _ := os.ReadFile(view) // a process may be gone by now
		for line := range strings.Lines(string(text)) {
			if id, _, _ := strings.Cut(line, " "); t.names(line) && !seen[id] {
				seen[id] = true
				n++
			}
		}
	}
	return n, nil
}

// RSS is the resident memory of the server in bytes.
func (p *Platform) RSS() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "VmRSS:")
	if !found {
		return 0, fmt.Errorf("the server (process %d) has ended", p.PID())
	}
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kb << 10, err
}

// CPU is how long the server has computed so far, in user and kernel mode, in steps of 10 ms.
func (p *Platform) CPU() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the program's name
	fields := strings.Fields(rest)
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	kernel, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+kernel) * (time.Second / 100), errors.Join(err1, err2)
}

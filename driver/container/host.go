//go:build linux && cgo

package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// hostTrees are the directories that the host base shares with the machine, as far as there are any. Symbolic links to
// directories, such as /bin to usr/bin, are repeated as links. Of /etc come those that programs below /usr cannot do
// without; /etc/ssl has private keys beside the certificates.
var hostTrees = []string{
	"/usr", "/usr/local", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
	"/etc/alternatives", "/etc/ld.so.conf.d", "/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust",
	"/etc/dotnet", "/etc/java-*", "/etc/perl", "/etc/php", "/etc/python3*",
}

// hostFiles are copied. What may name users, hosts or credentials of the machine is not among them; package managers'
// configuration (pip.conf, npmrc, gitconfig) often holds tokens.
var hostFiles = []string{
	"/etc/debian_version", "/etc/gai.conf", "/etc/host.conf", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/locale.alias",
	"/etc/localtime", "/etc/lsb-release", "/etc/magic", "/etc/mime.types", "/etc/networks", "/etc/os-release", "/etc/protocols",
	"/etc/rpc", "/etc/services", "/etc/shells", "/etc/ssl/openssl.cnf", "/etc/timezone",
}

// maxHostFile bounds what is copied for an instance: a linker's cache of a large machine takes some hundred kilobytes.
const maxHostFile = 4 << 20

// ownHostFiles are the base's own in place of the machine's.
var ownHostFiles = map[string]string{
	"/etc/passwd":        "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	"/etc/group":         "root:x:0:\ndaemon:x:1:\ntty:x:5:\nstaff:x:50:\nusers:x:100:\nnogroup:x:65534:\n",
	"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}

// hostDirs are empty at first, and the instance's own.
var hostDirs = map[string]fs.FileMode{
	"/dev": 0o755, "/proc": 0o555, "/sys": 0o555, "/run": 0o755, "/home": 0o755, "/opt": 0o755, "/srv": 0o755, "/mnt": 0o755,
	"/root": 0o700, "/tmp": 0o777 | fs.ModeSticky, "/etc": 0o755,
	"/var/cache": 0o755, "/var/lib": 0o755, "/var/log": 0o755, "/var/tmp": 0o777 | fs.ModeSticky,
}

// checkHost refuses a base that would show the instances' own state.
func (d *Driver) checkHost() error {
	for _, tree := range []string{"/usr", "/bin", "/sbin", "/lib", "/etc"} {
		if strings.HasPrefix(d.cfg.Dir+"/", tree+"/") {
			return fmt.Errorf("instances on the host base see %s, and the data directory is in it (%s): move it, to /var/lib/apron for one", tree, d.cfg.Dir)
		}
	}
	return nil
}

// makeHostBase makes the lowest layer of a root on the host base: everything but the trees, with places for those.
func makeHostBase(base string) error {
	if err := os.Mkdir(base, 0o755); err != nil {
		return err
	}
	for name, mode := range hostDirs {
		path := filepath.Join(base, name)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, mode)); err != nil {
			return err
		}
	}
	for _, tree := range sharedTrees() {
		if err := makeHostPlace(base, tree); err != nil {
			return err
		}
	}
	for _, name := range hostFiles {
		if err := copyHostFile(base, name); err != nil {
			return err
		}
	}
	for name, content := range ownHostFiles {
		if err := os.WriteFile(filepath.Join(base, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sharedTrees lists what there is of hostTrees, links to directories included. /usr/local is in /usr already, unless it
// is a file system of its own.
func sharedTrees() []string {
	var found []string
	for _, pattern := range hostTrees {
		matches, _ := filepath.Glob(pattern)
		for _, path := range matches {
			if info, err := os.Stat(path); err != nil || !info.IsDir() || path == "/usr/local" && !isMountPoint(path) {
				continue
			}
			found = append(found, path)
		}
	}
	return found
}

func isMountPoint(path string) bool {
	var own, parent unix.Stat_t
	return unix.Stat(path, &own) == nil && unix.Stat(filepath.Dir(path), &parent) == nil && own.Dev != parent.Dev
}

// makeHostPlace makes the directory that a tree is mounted at, or repeats the link that stands for it.
func makeHostPlace(base, tree string) error {
	path := filepath.Join(base, tree)
	if tree == "/usr/local" {
		return nil // in /usr, which covers it
	}
	if target, err := os.Readlink(tree); err == nil {
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(target, path))
	}
	return os.MkdirAll(path, 0o755)
}

// copyHostFile copies what everybody on the machine may read; what is missing or secret is left out.
func copyHostFile(base, name string) error {
	path := filepath.Join(base, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if target, err := os.Readlink(name); err == nil {
		return os.Symlink(target, path)
	}
	from, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	if info, err := from.Stat(); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o004 == 0 || info.Size() > maxHostFile {
		return err
	}
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Chmod(0o644), to.Close())
}

// mountHost puts the machine's directories into the root. Their ids are not mapped: in a user namespace every file is
// nobody's, so that not even root of the instance reads what the machine keeps for its own root. What is mounted below
// them is not there.
func mountHost(root rootDir) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	for _, tree := range sharedTrees() {
		if info, err := os.Lstat(tree); err != nil || !info.IsDir() {
			continue // a link
		}
		if err := root.mount(tree, tree, attr); err != nil {
			return fmt.Errorf("mount the host base: %w", err)
		}
	}
	return nil
}

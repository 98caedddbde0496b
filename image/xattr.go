package image

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	opaqueXattr     = "trusted.overlay.opaque"
	capabilityXattr = "security.capability"
)

// isOpaque tells whether a directory hides what lower layers have at its place.
func isOpaque(full string) bool {
	var value [2]byte
	n, err := unix.Lgetxattr(full, opaqueXattr, value[:])
	return err == nil && n == 1 && value[0] == 'y'
}

// attributes are the extended attributes that a layer keeps, as records of its tar stream. Others that overlayfs left are
// taken off what is to become a layer.
func (t *treeWriter) attributes(full string) (map[string]string, error) {
	names, err := listXattrs(full)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	records := map[string]string{}
	for _, name := range names {
		switch {
		case isKeptXattr(name):
			value, err := readXattr(full, name)
			if err != nil {
				return nil, err
			}
			records[paxXattr+name] = value
		case t.settle && strings.HasPrefix(name, "trusted.overlay.") && name != opaqueXattr:
			if err := unix.Lremovexattr(full, name); err != nil && !errors.Is(err, unix.ENODATA) {
				return nil, &os.PathError{Op: "remove attribute " + name + " of", Path: full, Err: err}
			}
		}
	}
	return records, nil
}

// isKeptXattr says what layers keep: file capabilities and users' own attributes.
func isKeptXattr(name string) bool {
	return name == capabilityXattr || strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "user.overlay.")
}

// listXattrs lists the names; a file system without any has none.
func listXattrs(full string) ([]string, error) {
	var small [256]byte
	n, err := unix.Llistxattr(full, small[:])
	list := small[:max(n, 0)]
	if errors.Is(err, unix.ERANGE) {
		list = make([]byte, 64<<10) // the most that the kernel allows
		n, err = unix.Llistxattr(full, list)
		list = list[:max(n, 0)]
	}
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "list the attributes of", Path: full, Err: err}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00"), nil
}

func readXattr(full, name string) (string, error) {
	value := make([]byte, 64<<10)
	n, err := unix.Lgetxattr(full, name, value)
	if err != nil {
		return "", &os.PathError{Op: "read attribute " + name + " of", Path: full, Err: err}
	}
	return string(value[:n]), nil
}

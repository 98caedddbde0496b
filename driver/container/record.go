//go:build linux && cgo

package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"apron/driver"
)

// The files of an instance directory. Each is written whole: temporary name, then rename.
const (
	specFile    = "spec.json"    // record; written before anything else of the instance is made
	startedFile = "started.json" // started; written last by Start, so without it the instance is half made
	exitFile    = "exit.json"    // driver.Exit; written when the end was seen
)

// record is what is decided before an instance is made.
type record struct {
	Spec    driver.Spec `json:"spec"`
	Address int         `json:"address"` // host part of the instance's address; names its link too
}

// started identifies the first process of an instance beyond doubt: a pid alone may be another process's tomorrow.
type started struct {
	PID        int       `json:"pid"`
	StartTicks uint64    `json:"start_ticks"` // field 22 of /proc/PID/stat
	BootID     string    `json:"boot_id"`
	At         time.Time `json:"at"`
}

// writeRecord puts v into dir/name, readable by root alone. A crash of the server it survives; it is not flushed to the
// disk, because a power cut ends everything that it could lead to.
func writeRecord(dir, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "."+name)
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, name))
}

// readRecord reads dir/name into v and tells whether it was there. What cannot be read counts as absent: it is the
// torn file of a power cut, and only Destroy helps that instance.
func readRecord(dir, name string, v any) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return json.Unmarshal(data, v) == nil, nil
}

//go:build linux && cgo

package container

import (
	"context"
	"path/filepath"

	"apron/driver"
)

var _ driver.Changer = (*Driver)(nil)

// Changes returns the upper directory of an instance that has ended; see driver.Changer.
func (d *Driver) Changes(_ context.Context, id string) (string, error) {
	inst := d.find(id)
	if inst == nil {
		return "", driver.ErrNotFound
	}
	if p := inst.current(); p == nil || !p.hasEnded() {
		return "", driver.ErrNotEnded
	}
	return filepath.Join(d.dir(id), "upper"), nil
}

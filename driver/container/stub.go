//go:build !linux || !cgo

package container

import (
	"context"
	"errors"
	"log/slog"

	"apron/driver"
)

var errUnsupported = errors.New("this build of apron cannot run instances on this machine: " +
	"that takes Linux and a build with cgo (CGO_ENABLED=1 and libseccomp-dev); use the Kubernetes driver, or another build")

// Driver cannot be made on this platform.
type Driver struct{ driver.Driver }

// New always answers an error that says what is missing.
func New(Config) (*Driver, error) { return nil, errUnsupported }

// Changes always answers an error.
func (d *Driver) Changes(context.Context, string) (string, error) { return "", errUnsupported }

// Init does nothing on this platform.
func Init() {}

// ForwardLogs does nothing on this platform.
func ForwardLogs(*slog.Logger) {}

// Run returns at once.
func (d *Driver) Run(context.Context) error { return nil }

// RemoveNetwork returns at once.
func (d *Driver) RemoveNetwork(context.Context) error { return nil }

// Close returns at once.
func (d *Driver) Close() error { return nil }

// Requirements names the one requirement that this build can never meet.
func Requirements(string) []Requirement {
	return []Requirement{{
		Name: "platform", Mandatory: true, Detail: errUnsupported.Error(),
		Remedy: "use a Linux build of apron made with CGO_ENABLED=1",
	}}
}

// CollectChildren has nothing to collect; see the driver for Linux.
func CollectChildren(context.Context) {}

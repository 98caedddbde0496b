// Package container runs instances on this machine: it implements driver.Driver with runc's libcontainer, an overlay
// of the image's layers, cgroups and network namespaces. fleet calls it through driver.Driver, cmd/apron builds it,
// and `apron doctor` asks it for Requirements. It must never know services or operations, never run a binary of the
// host, and never keep anything about an instance that the instance's ID does not lead back to after a crash.
package container

import (
	"context"
	"log/slog"
	"net/netip"

	"apron/image"
)

// Config is what New needs. Dir, Log, Image and Namespace are required.
type Config struct {
	// Dir holds the state, one directory for each instance: Dir/instances/<id>. It must be on a file system that
	// can hold an overlay's upper layer, and is kept readable by root alone.
	Dir string

	Log *slog.Logger

	// Image finds an image that is whole on this machine. Its layer directories must stay for as long as an
	// instance of the image exists.
	Image func(ctx context.Context, digest string) (image.Image, error)

	// Namespace tells this server's cgroups, bridge, links and nftables table from those of other servers on the
	// same host. It is the same after every restart of the server.
	Namespace string

	// Subnets is the pool from which a free /20 is chosen for the instances. The zero value is 10.208.0.0/12.
	Subnets netip.Prefix

	// DNS are the resolvers that instances use. Empty means those of the host that are not on its loopback.
	DNS []netip.Addr
}

// Requirement is one thing that the host must have, or should have, to run instances.
type Requirement struct {
	Name      string // "overlayfs"
	Mandatory bool   // Start cannot work without it
	OK        bool
	Detail    string // what was found
	Remedy    string // what to do about it; empty when OK
}

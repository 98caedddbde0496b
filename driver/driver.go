// Package driver is the contract that a container runtime keeps towards apron: an instance of a service is
// started, found again, reached, watched, stopped and destroyed through it, and through nothing else. fleet is
// its caller. A driver knows instances and images; it must never know services' states, operations or the store.
package driver

import (
	"context"
	"errors"
	"net"
	"time"
)

// Driver runs instances. The instance ID is chosen by the caller and is the only handle: a driver derives
// everything from it, so that nothing it ever made is out of reach after a crash of the caller.
//
// Every method may be called from many goroutines. Every method may be repeated: Stop and Destroy of an instance
// that is already stopped or gone succeed, so a step that was cut off by kill -9 is simply run again.
type Driver interface {
	// Start makes and starts the instance. It returns when the process has been executed, not when it listens.
	// After an error nothing of the instance is left, unless the error wraps ErrLeftover. An ID that exists
	// already is ErrExists. An image for another CPU or a missing program is an *ImageError.
	Start(ctx context.Context, spec Spec) error

	// Stop asks the instance to end (the image's StopSignal, SIGTERM by default), waits up to grace, and then
	// kills every process in it. It returns when none is left. The instance's files stay until Destroy.
	Stop(ctx context.Context, id string, grace time.Duration) error

	// Destroy kills what still runs and removes all that the instance ever held: processes, cgroups, mounts,
	// namespaces, network links, writable layer, records. It works on half-made instances too.
	Destroy(ctx context.Context, id string) error

	// Recover lists every instance this driver holds, running, ended or half-made by a Start that was cut off,
	// and makes them known again to the other methods. Called once before any other method after a start of
	// the server; instances keep running while the server is away.
	Recover(ctx context.Context) ([]Instance, error)

	// Wait blocks until the instance has ended (also when it ended while the server was away) or ctx is done.
	// ErrNotFound if there is none.
	Wait(ctx context.Context, id string) (Exit, error)

	// Inspect reads the state of the instance without changing it, and what it uses. ErrNotFound if there is none.
	Inspect(ctx context.Context, id string) (Instance, error)

	// SetCPU changes how much CPU a running instance may use, in units of which 1024 are one vCPU. It costs no more than a write
	// to the kernel and is in force at once, also for what waits for CPU time just now. It lasts as long as the instance, and
	// over restarts of the server. ErrNotFound if there is none; one that has ended has nothing to change.
	SetCPU(ctx context.Context, id string, units int) error

	// Dial opens a TCP connection to port on the instance's own loopback. Refused connections look like
	// syscall.ECONNREFUSED; an instance that is gone is ErrNotFound.
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
}

// Changer is a driver that can hand out what an instance has written: what builds are made with.
type Changer interface {
	// Changes returns the directory on this machine that holds what an ended instance has written to its root, as the
	// upper directory of an overlay: removed files are whiteouts, replaced directories are marked opaque, and owners
	// are those that the instance saw. Nothing that the driver itself put there is in it. The caller may read it, and move
	// parts of it away, until Destroy. An instance that runs is ErrNotEnded; there being none is ErrNotFound.
	Changes(ctx context.Context, id string) (dir string, err error)
}

// Errors that callers branch on.
var (
	ErrNotFound = errors.New("no such instance")
	ErrExists   = errors.New("instance exists already")
	ErrLeftover = errors.New("parts of the instance could not be removed; Destroy it again")
	ErrNotEnded = errors.New("the instance has not ended; Stop it or Wait for its end first")
)

// ImageError says that the image cannot be run as asked, which no retry will change: the user's news.
type ImageError struct{ Reason string }

func (e *ImageError) Error() string { return e.Reason }

// Spec is all a driver needs to make one instance. Drivers keep it with the instance, readable by root alone,
// because Env may hold secrets.
type Spec struct {
	ID       string `json:"id"`       // 32 lower-case hex digits
	Service  string `json:"service"`  // the service's id, for Recover
	Revision string `json:"revision"` // which deployment of the service this instance belongs to, for Recover

	Image   string   `json:"image"`             // manifest digest in the image store, "sha256:..."; "" with Host alone
	Command []string `json:"command,omitempty"` // replaces the image's CMD when not empty
	Env     []string `json:"env,omitempty"`     // KEY=value; wins over the image's own

	CPU int `json:"cpu"` // 1024 units = one vCPU, enforced
	// StartCPU is what it may use in place of CPU until SetCPU is called for the first time; 0 is CPU.
	StartCPU int `json:"start_cpu,omitempty"`

	Memory  int `json:"memory"` // MiB, enforced: going over it ends the instance with Exit.OOM
	DiskMiB int `json:"disk"`   // limit of the writable layer in MiB, enforced where the file system can

	NoEgress bool `json:"no_egress,omitempty"` // the instance reaches nothing but its own loopback: connecting fails at once

	LogPath string `json:"log_path"` // stdout and stderr are appended here; the instance itself holds it open

	// Build makes this a build and no instance of a service: fleet destroys what it finds of it after a restart, and
	// whoever wanted it runs it again.
	Build *Build `json:"build,omitempty"`

	// Host puts this machine's own programs below the image's layers: /usr, /bin, /sbin, /lib*, and of /etc what they
	// need. They are read-only, whatever is in the layers at those places is hidden, and nothing else of the machine is to
	// be seen. Image may then be "".
	Host bool `json:"host,omitempty"`
}

// Build is what a build has that an instance of a service has not. Its Command runs in place of the image's
// ENTRYPOINT and CMD, as root of the image. Where services want a CPU too, it yields to them; up to Spec.CPU it takes what
// they leave.
type Build struct {
	Layers []string `json:"layers,omitempty"` // directories laid over the image's layers, lowest first, read-only
	Mounts []Mount  `json:"mounts,omitempty"` // directories kept from one build to the next
	Dir    string   `json:"dir,omitempty"`    // working directory, made if there is none; "" is the image's
}

// Mount is a directory of this machine that a build sees. Owners on the disk are those that the build sees. What is in
// it is no part of what the build has changed.
type Mount struct {
	Source string `json:"source"` // absolute; exists, and belongs to root
	Target string `json:"target"` // absolute; made if there is none
}

// Instance is what a driver knows of one instance.
type Instance struct {
	Spec      Spec
	State     State
	StartedAt time.Time
	Exit      Exit // when State is Ended

	Usage Usage // when State is Running, from Inspect alone
}

// Usage is what an instance takes of the machine. What cannot be read just now, because the instance is ending, is zero.
type Usage struct {
	CPU    time.Duration // CPU time since its start, of all its processes
	Memory int64         // bytes that count against Spec.Memory, but for files that the kernel can drop at once

	CPULimit int // units that it may use just now
}

// State of an instance as its driver sees it.
type State int

const (
	Partial State = iota // made by a Start that never finished; only Destroy helps
	Running
	Ended
)

// Exit tells how an instance ended.
type Exit struct {
	Code   int  // exit code; 128+signal when a signal ended it; -1 when nobody saw it end
	Signal int  // the signal that ended it, or 0
	OOM    bool // the kernel ended it for going over Spec.Memory, or a process of a build that then failed
	At     time.Time
}

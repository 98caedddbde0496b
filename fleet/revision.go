package fleet

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"apron/driver"
)

// Revision is one deployed version of a service: what its instances are made from and how many are kept.
type Revision struct {
	Service string // the service's id
	ID      string // the deployment that made it
	Image   string // digest in the image store
	Command []string
	Env     []string // KEY=value; a PORT is overridden, as on App Runner
	CPU     int      // 1024 units = one vCPU
	Memory  int      // MiB
	Port    int
	Health  Health
	Size    int // instances to keep, as long as Scale says no other number; 0 is 1 for Deploy
	MaxSize int // instances that it may have; 0 is as many as are asked for

	// Zero says that the service may have no instance: Recover starts none of what it does not find. Whoever calls Scale wakes it.
	Zero bool

	NoEgress bool // its instances reach nothing outside
	Host     bool // this machine's own programs lie below the image's files
}

// Protocol of a health check, in App Runner's spelling.
type Protocol string

// The protocols of health checks.
const (
	TCP  Protocol = "TCP"
	HTTP Protocol = "HTTP"
)

// Health is a health check. Zero fields take App Runner's defaults: TCP, /, 5 s, 2 s, 1 and 5. Interval and
// thresholds judge a running instance; an instance that starts is probed much faster.
type Health struct {
	Protocol           Protocol
	Path               string // HTTP only
	Interval           time.Duration
	Timeout            time.Duration
	HealthyThreshold   int // successes in a row
	UnhealthyThreshold int // failures in a row
}

func (r Revision) withDefaults() Revision {
	setDefault(&r.Health.Protocol, TCP)
	setDefault(&r.Health.Path, "/")
	setDefault(&r.Health.Interval, 5*time.Second)
	setDefault(&r.Health.Timeout, 2*time.Second)
	setDefault(&r.Health.HealthyThreshold, 1)
	setDefault(&r.Health.UnhealthyThreshold, 5)
	return r
}

// spec is the instance id of the revision for the driver.
func (r Revision) spec(id, logPath string, diskMiB int) driver.Spec {
	return driver.Spec{
		ID: id, Service: r.Service, Revision: r.ID,
		Image: r.Image, Command: r.Command, Env: r.environment(),
		CPU: r.CPU, StartCPU: max(r.CPU, fullCPU), Memory: r.Memory, DiskMiB: diskMiB,
		NoEgress: r.NoEgress, Host: r.Host,
		LogPath: logPath,
	}
}

func (r Revision) environment() []string {
	var env []string
	for _, kv := range r.Env {
		if !strings.HasPrefix(kv, "PORT=") {
			env = append(env, kv)
		}
	}
	return append(env, "PORT="+strconv.Itoa(r.Port))
}

// revisionOf is what can be told of an adopted instance's revision until Deploy names it: enough to dial it.
func revisionOf(spec driver.Spec) Revision {
	r := Revision{
		Service: spec.Service, ID: spec.Revision, Image: spec.Image, Command: spec.Command,
		Env: spec.Env, CPU: spec.CPU, Memory: spec.Memory,
		NoEgress: spec.NoEgress, Host: spec.Host,
	}
	for _, kv := range spec.Env {
		if port, ok := strings.CutPrefix(kv, "PORT="); ok {
			r.Port, _ = strconv.Atoi(port) // environment wrote it
		}
	}
	return r.withDefaults()
}

// healthCheckFailed is App Runner's text, the odd spaces included (App Runner API reference, observed log lines).
func (r Revision) healthCheckFailed() string {
	where := fmt.Sprintf("`TCP` [Port: '%d']", r.Port)
	if r.Health.Protocol == HTTP {
		where = fmt.Sprintf("`HTTP`[Path: '%s'], [Port: '%d']", r.Health.Path, r.Port)
	}
	return "Health check failed on protocol " + where +
		". Check your configured port number. For more information, see the application logs."
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"apron/control"
)

// Config is everything that can be set about a server. A flag wins over its APRON_ variable, which wins over the
// default.
type Config struct {
	Data           string // directory of all state
	API            string // address of the API and the registry
	Edge           string // address of the data plane
	Domain         string // under which services get their host names
	AllowAnonymous bool   // answer requests that are not signed
	Door           doorConfig

	StartAllowance time.Duration // from an instance's start until it has to be healthy
	DrainLimit     time.Duration // how long requests in flight may take when a service is paused, updated or deleted
	StopGrace      time.Duration // from SIGTERM to SIGKILL
	HandoverLimit  time.Duration // how long the process before an upgrade may go on with the connections that it has

	DiskHigh int // percent of the data directory's disk above which what can be made again goes; 100 is never

	PushLimit int // MiB that a git push, or the files of an uploaded working tree, may have

	PollInterval time.Duration // between two looks at a repository that a service deploys from by itself

	OTLPEndpoint string // URL of OpenTelemetry's collector; empty for what its own variables say
	TraceRatio   string // share of the traces that begin here which is exported; empty for what they say

	Quotas control.Quotas // of each account in each region
	Builds BuildConfig

	RuntimeImages runtimeImages // bases of managed runtimes other than the default
}

// defaults are the settings of a server started with no flags at all.
func defaults() Config {
	return Config{
		Data:   defaultData(),
		API:    "127.0.0.1:4080",
		Edge:   ":8080",
		Domain: "apron.localhost",
		Door:   doorConfig{HTTPS: httpsOn},
		// Those of App Runner, as far as it tells them.
		StartAllowance: 5 * time.Minute,
		DrainLimit:     120 * time.Second,
		StopGrace:      30 * time.Second,
		HandoverLimit:  15 * time.Minute,
		DiskHigh:       85,
		PushLimit:      1024,
		PollInterval:   time.Minute,
		Quotas:         control.DefaultQuotas(),
		Builds:         defaultBuilds(),
	}
}

func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/apron"
	}
	home, _ := os.UserHomeDir() // without one, Validate refuses the relative path
	return filepath.Join(cmp.Or(os.Getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share")), "apron")
}

// bind adds the flags of a server to fs, with the APRON_ variables as their defaults.
func (c *Config) bind(fs *pflag.FlagSet) error {
	c.bindData(fs)
	fs.StringVar(&c.API, "api", fromEnv("APRON_API", c.API), "address of the API and the registry; port 0 picks a free one")
	fs.StringVar(&c.Edge, "edge", fromEnv("APRON_EDGE", c.Edge), "address where services are reached; port 0 picks a free one")
	fs.StringVar(&c.Domain, "domain", fromEnv("APRON_DOMAIN", c.Domain), "domain under which services get their names")
	fs.BoolVar(&c.AllowAnonymous, "allow-anonymous", false, "answer requests that are not signed; loopback only")
	fs.StringVar(&c.OTLPEndpoint, "otlp-endpoint", fromEnv("APRON_OTLP_ENDPOINT", ""), "`URL` of an OpenTelemetry collector that gets a span of each request, as http://127.0.0.1:4318; OTEL_EXPORTER_OTLP_ENDPOINT is honoured too")
	fs.StringVar(&c.TraceRatio, "trace-ratio", fromEnv("APRON_TRACE_RATIO", ""), "share, from 0 to 1, of those traces that do not come with a traceparent (default 1)")
	fs.Var(&c.Quotas, "quota", "how many of a kind each account may have in a region; repeat it or separate by commas")
	fs.Var(&c.RuntimeImages, "runtime-image", "`NAME=IMAGE` is what services of the managed runtime NAME are built on, as python311=registry.example/python:{version}; "+
		"NAME=host takes this machine's own programs; repeat it or separate by commas")
	return errors.Join(
		c.quotasFromEnv(),
		c.Door.bind(fs),
		numberVar(fs, &c.PushLimit, "push-limit", "APRON_PUSH_LIMIT", "`MiB` that a git push, or the files of an uploaded working tree, may have"),
		numberVar(fs, &c.DiskHigh, "disk-high", "APRON_DISK_HIGH", "`PERCENT` of the data directory's disk, above which caches and images that no service needs are removed although they are young; 100 is never"),
		c.Builds.bind(fs),
		c.runtimeImagesFromEnv(),
		durationVar(fs, &c.PollInterval, "poll-interval", "APRON_POLL_INTERVAL", "how often repositories are looked at for new commits; images elsewhere a fifth as often"),
		durationVar(fs, &c.StartAllowance, "start-allowance", "APRON_START_ALLOWANCE", "how long a new instance may take to become healthy"),
		durationVar(fs, &c.DrainLimit, "drain-limit", "APRON_DRAIN_LIMIT", "how long requests in flight may take to end"),
		durationVar(fs, &c.HandoverLimit, "handover-limit", "APRON_HANDOVER_LIMIT", "how long connections from before an upgrade may go on in the process that they are in"),
		durationVar(fs, &c.StopGrace, "stop-grace", "APRON_STOP_GRACE", "how long an instance may take to end after SIGTERM"),
	)
}

// bindData adds the one flag that every command has.
func (c *Config) bindData(fs *pflag.FlagSet) {
	fs.StringVar(&c.Data, "data", fromEnv("APRON_DATA", c.Data), "directory of all state")
}

func (c *Config) quotasFromEnv() error {
	text := os.Getenv("APRON_QUOTAS")
	if text == "" {
		return nil
	}
	if err := c.Quotas.Set(text); err != nil {
		return fmt.Errorf("APRON_QUOTAS: %w", err)
	}
	return nil
}

func fromEnv(name, def string) string { return cmp.Or(os.Getenv(name), def) }

func durationVar(fs *pflag.FlagSet, d *time.Duration, name, env, usage string) error {
	def := *d
	if text := os.Getenv(env); text != "" {
		var err error
		if def, err = time.ParseDuration(text); err != nil {
			return fmt.Errorf("%s: %q is not a duration such as 30s or 2m", env, text)
		}
	}
	fs.DurationVar(d, name, def, usage)
	return nil
}

var domainName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
})

// Validate finds what would fail later, before anything is opened.
func (c *Config) Validate() error {
	return errors.Join(
		c.checkData(),
		checkAddress("--api", c.API),
		checkAddress("--edge", c.Edge),
		c.checkDomain(),
		c.Door.check(),
		c.checkAnonymous(),
		checkPositive("--poll-interval", c.PollInterval),
		checkPositive("--start-allowance", c.StartAllowance),
		checkPositive("--drain-limit", c.DrainLimit),
		checkPositive("--stop-grace", c.StopGrace),
		checkPositive("--handover-limit", c.HandoverLimit),
		checkPositive("--push-limit", c.PushLimit),
		c.checkDisk(),
		c.checkSpans(),
		c.Builds.check(),
		c.RuntimeImages.check(),
	)
}

func (c *Config) checkData() error {
	if c.Data == "" {
		return errors.New("--data is empty; name the directory that is to hold the state")
	}
	abs, err := filepath.Abs(c.Data)
	if err != nil {
		return fmt.Errorf("--data %s: %w", c.Data, err)
	}
	c.Data = abs
	return nil
}

func checkAddress(flag, addr string) error {
	if _, err := net.ResolveTCPAddr("tcp", addr); err != nil {
		return fmt.Errorf("%s %q is not an address such as 127.0.0.1:4080 or :8080: %w", flag, addr, err)
	}
	return nil
}

func (c *Config) checkDomain() error {
	if !domainName().MatchString(c.Domain) {
		return fmt.Errorf("--domain %q is not a domain name such as apron.localhost, in lower case", c.Domain)
	}
	return nil
}

func (c *Config) checkDisk() error {
	if c.DiskHigh <= diskBand || c.DiskHigh > 100 {
		return fmt.Errorf("--disk-high is %d and must be a share in percent, more than %d and at most 100", c.DiskHigh, diskBand)
	}
	return nil
}

func (c *Config) checkAnonymous() error {
	if !c.AllowAnonymous {
		return nil
	}
	host, _, _ := net.SplitHostPort(c.API)
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("--allow-anonymous answers anybody, so --api must be a loopback address such as 127.0.0.1:4080, not %q", c.API)
	}
	return nil
}

func checkPositive[T time.Duration | int](flag string, d T) error {
	if d <= 0 {
		return fmt.Errorf("%s is %v and must be more than zero", flag, d)
	}
	return nil
}

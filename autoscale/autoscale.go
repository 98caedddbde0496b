// Package autoscale decides how many instances a service has, from its configuration and what was seen of its requests.
// A Scaler is pure arithmetic: it reads no clock and knows neither proxy nor fleet, so that a text file can say what it
// decides (testdata/). Loop asks the Scalers of all services in turns and hands on what they say; cmd/apron builds it and
// ties it to the proxy, which counts, and the fleet, which acts. It must never start or stop anything by itself.
package autoscale

import "time"

// The defaults of App Runner's auto scaling configuration, and apron's own of how long demand must have been lower before
// instances go.
const (
	DefaultMaxConcurrency = 100
	DefaultMaxSize        = 25
	DefaultScaleInAfter   = time.Minute
)

// Config is what a service's settings say of its size. Fields that are zero mean the default, those of IdleTimeout and
// MinSize apart.
type Config struct {
	MinSize        int           // as long as the service is not idle; below 1 is 1, because App Runner knows no 0
	MaxSize        int           // raised to MinSize when it is less
	MaxConcurrency int           // requests that one instance is given at a time
	IdleTimeout    time.Duration // without use until the service has no instance; 0: it always has MinSize
	ScaleInAfter   time.Duration // how long instances must not have been needed before they go
}

func (c Config) withDefaults() Config {
	c.MinSize = max(c.MinSize, 1)
	if c.MaxSize <= 0 {
		c.MaxSize = DefaultMaxSize
	}
	c.MaxSize = max(c.MaxSize, c.MinSize)
	if c.MaxConcurrency <= 0 {
		c.MaxConcurrency = DefaultMaxConcurrency
	}
	if c.ScaleInAfter <= 0 {
		c.ScaleInAfter = DefaultScaleInAfter
	}
	return c
}

// Observation is what was seen of a service at a moment.
type Observation struct {
	At       time.Time
	InFlight int       // requests begun and not ended, those that wait included
	Waiting  int       // those that wait for an instance
	Peak     int       // the highest InFlight since the observation before
	Ready    int       // instances that requests go to
	Starting int       // instances that will be such
	LastUse  time.Time // when the last request ended, or At while one is in flight; zero when there was none
}

// demand is the number of requests that instances had to be there for at the same time.
func (o Observation) demand() int { return max(o.InFlight, o.Peak, o.Waiting) }

// Decision is how many instances the service is to have. Reason says why in one sentence without a full stop, with the
// numbers; it is empty when Size is what it was before.
type Decision struct {
	Size   int
	Reason string
}

// Scaler decides for one service. It is not safe for concurrent use.
type Scaler struct {
	cfg   Config
	known bool      // whether size is known
	size  int       // what was decided last
	since time.Time // of the first observation: what was before it nobody knows
	awake time.Time // from when on idle time counts if no request comes
	peaks peaks
}

// New makes a Scaler that has seen nothing yet: it takes the size of its first observation as given.
func New(c Config) *Scaler { return &Scaler{cfg: c.withDefaults()} }

// Set changes the configuration from the next Decide on. That takes the size it observes as given, because what changes a
// configuration may have changed the size too: a deployment brings up what it needs. What was seen of requests stays.
func (s *Scaler) Set(c Config) {
	s.cfg = c.withDefaults()
	s.known = false
}

// Decide says how many instances the service is to have after this observation, which must not be older than the one
// before. Demand that meets the limit counts at once, and less of it only when it has lasted.
func (s *Scaler) Decide(o Observation) Decision {
	s.adopt(o)
	s.peaks.add(o.At, o.demand(), s.cfg.ScaleInAfter)
	size, why := s.next(o)
	if size == s.size {
		return Decision{Size: size}
	}
	d := Decision{Size: size, Reason: change(s.size, size) + why}
	if s.size == 0 {
		s.awake = o.At
	}
	s.size = size
	return d
}

// adopt takes the size of the first observation, and of the first after Set, as given.
func (s *Scaler) adopt(o Observation) {
	if s.since.IsZero() {
		s.since = o.At
	}
	if !s.known {
		s.known, s.size, s.awake = true, o.Ready+o.Starting, o.At
	}
}

// next is the size after this observation, and why it is another than before.
func (s *Scaler) next(o Observation) (size int, why string) {
	used := o.demand() > 0
	if s.size > 0 && !used && s.idle(o) {
		return 0, s.becauseIdle()
	}
	if s.size == 0 && !used && s.cfg.IdleTimeout > 0 {
		return 0, "" // asleep
	}
	if needed := s.need(o.demand()); needed > s.size {
		return needed, s.becauseNeeded(o)
	}
	if s.size > s.cfg.MaxSize {
		return s.cfg.MaxSize, s.becauseMax()
	}
	if needed := s.need(s.peaks.highest()); needed < s.size && o.At.Sub(s.since) >= s.cfg.ScaleInAfter {
		return needed, s.becauseLess()
	}
	return s.size, ""
}

// idle reports whether the idle time has passed.
func (s *Scaler) idle(o Observation) bool {
	from := s.awake
	if o.LastUse.After(from) {
		from = o.LastUse
	}
	return s.cfg.IdleTimeout > 0 && o.At.Sub(from) >= s.cfg.IdleTimeout
}

// need is the number of instances that demand asks for, within MinSize and MaxSize.
func (s *Scaler) need(demand int) int {
	return min(max(s.wanted(demand), s.cfg.MinSize), s.cfg.MaxSize)
}

// wanted leaves room for one request more than demand: the limit counts when it is met, because the next request would
// wait for as long as an instance takes to start. A MaxConcurrency of 1 is met by every single request, so there it
// must be exceeded, or a service that is hardly used would start an instance at each.
func (s *Scaler) wanted(demand int) int {
	if s.cfg.MaxConcurrency == 1 {
		return demand
	}
	return demand/s.cfg.MaxConcurrency + 1
}

package autoscale

import "fmt"

// What an operator reads of a change: from what to what, and the numbers that it comes from.

func change(from, to int) string { return fmt.Sprintf("from %s to %d: ", instances(from), to) }

func instances(n int) string {
	if n == 1 {
		return "1 instance"
	}
	return fmt.Sprintf("%d instances", n)
}

func requests(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}

func (s *Scaler) becauseIdle() string {
	return fmt.Sprintf("no request for %v, its idle timeout", s.cfg.IdleTimeout)
}

// becauseNeeded is for more instances than there are: for demand, or for MinSize when demand alone would not do.
func (s *Scaler) becauseNeeded(o Observation) string {
	demand := o.demand()
	wanted := s.wanted(demand)
	switch {
	case demand == 0 || wanted <= s.size:
		return fmt.Sprintf("MinSize is %d", s.cfg.MinSize)
	case s.size == 0:
		return fmt.Sprintf("woken by %s", requests(demand))
	}
	take := "take"
	if s.size == 1 {
		take = "takes"
	}
	why := fmt.Sprintf("%s at once, %d waiting, and %s %s %d (MaxConcurrency %d)",
		requests(demand), o.Waiting, instances(s.size), take, s.size*s.cfg.MaxConcurrency, s.cfg.MaxConcurrency)
	if wanted > s.cfg.MaxSize {
		why += fmt.Sprintf("; %d were needed, MaxSize is %d", wanted, s.cfg.MaxSize)
	}
	return why
}

func (s *Scaler) becauseMax() string { return fmt.Sprintf("MaxSize is %d", s.cfg.MaxSize) }

func (s *Scaler) becauseLess() string {
	return fmt.Sprintf("no more than %s at once in the last %v (MaxConcurrency %d)",
		requests(s.peaks.highest()), s.cfg.ScaleInAfter, s.cfg.MaxConcurrency)
}

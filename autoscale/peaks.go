package autoscale

import "time"

// peaks knows the highest demand of the recent past. It keeps the observations that may still become the highest: each is
// younger and lower than the one before it.
type peaks struct{ list []peak }

type peak struct {
	at     time.Time
	demand int
}

// add forgets what is as old as span, and all that the new one exceeds. The newest is always kept.
func (p *peaks) add(at time.Time, demand int, span time.Duration) {
	for len(p.list) > 0 && p.list[len(p.list)-1].demand <= demand {
		p.list = p.list[:len(p.list)-1]
	}
	p.list = append(p.list, peak{at, demand})
	old := 0
	for at.Sub(p.list[old].at) >= span {
		old++
	}
	p.list = append(p.list[:0], p.list[old:]...)
}

// highest is the highest demand of those that were not forgotten; something must have been added.
func (p *peaks) highest() int { return p.list[0].demand }

package telemetry

import (
	"sync"
	"time"
)

const (
	meterSpan  = time.Minute     // CloudWatch's period
	meterPause = 5 * time.Second // between two samples that are kept
	meterLife  = 10 * time.Minute
)

// meter makes rates of what instances say of the CPU that they have used in all. It samples when it is asked.
type meter struct {
	mu      sync.Mutex
	samples map[string][]sample // by instance, the oldest first
	now     func() time.Time    // nil: time.Now
}

type sample struct {
	at  time.Time
	cpu time.Duration
}

// rate is how many CPUs the instance has used on average since the oldest sample of the last minute, or the last one
// before; since it began where there is none.
func (m *meter) rate(i Instance) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.time()
	if m.samples == nil {
		m.samples = map[string][]sample{}
	}
	list := m.samples[i.ID]
	if len(list) == 0 {
		list = append(list, sample{at: i.Began})
	}
	for len(list) > 1 && now.Sub(list[1].at) >= meterSpan {
		list = list[1:]
	}
	from := list[0]
	if now.Sub(list[len(list)-1].at) >= meterPause {
		list = append(list, sample{now, i.CPU})
	}
	m.samples[i.ID] = list
	if now.Sub(from.at) <= 0 || i.CPU < from.cpu {
		return 0
	}
	return float64(i.CPU-from.cpu) / float64(now.Sub(from.at))
}

func (m *meter) time() time.Time {
	if m.now != nil {
		return m.now()
	}
	return time.Now()
}

// forget drops instances that nobody has asked about lately.
func (m *meter) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.time()
	for id, list := range m.samples {
		if now.Sub(list[len(list)-1].at) > meterLife {
			delete(m.samples, id)
		}
	}
}

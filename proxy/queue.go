package proxy

import "time"

// claimLocked gives f a place at the best instance for it, or returns nil.
func (s *service) claimLocked(f *flight) *instance {
	in := s.chooseLocked(f.tried)
	if in != nil {
		in.gate.inside.push(&f.inInstance)
		f.instance, f.last, f.retried = in, in, len(f.tried) > 0
		in.given++
		if in.trial {
			in.onTrial = f
		}
	}
	return in
}

// enqueue claims a place, or puts f into the queue; an error says that it may not wait.
func (f *flight) enqueue() (*instance, error) {
	s := f.service
	s.mu.Lock()
	defer s.mu.Unlock()
	f.noteTriedLocked()
	if in := s.claimLocked(f); in != nil {
		return in, nil
	}
	if err := s.refusalLocked(f); err != nil {
		return nil, err
	}
	if f.granted == nil {
		f.granted = make(chan error, 1)
	}
	at := s.queue.back
	for at != nil && at.flight.began.After(f.began) {
		at = at.prev
	}
	s.queue.insert(at, &f.inQueue)
	f.waiting = true
	s.armLocked()
	return nil, nil
}

// refusalLocked says why f may not wait: nil when it may.
func (s *service) refusalLocked(f *flight) error {
	if err := s.hopelessLocked(f); err != nil {
		return err
	}
	switch {
	case s.atMostLocked() && s.queue.n >= s.limits.Queue:
		return errQueueFull
	case s.queue.n >= mostQueue:
		return errScaling
	}
	return nil
}

// atMostLocked reports whether the service has as many instances as it may, and so whether those that wait have nothing
// to wait for but each other.
func (s *service) atMostLocked() bool {
	return s.available > 0 && len(s.instances) >= s.limits.MaxInstances
}

// hopelessLocked says why no instance will ever come for f: nil when one may.
func (s *service) hopelessLocked(f *flight) error {
	switch {
	case f.gate.closed && s.available == 0:
		return errWithdrawn
	case s.refusal != nil && s.available == 0:
		return s.refusal
	case len(f.tried) > 0 && !s.hasUntriedLocked(f):
		return errNoInstance
	}
	return nil
}

func (s *service) dequeueLocked(f *flight) {
	s.queue.remove(&f.inQueue)
	f.waiting = false
}

func (s *service) grantLocked(f *flight, err error) {
	s.dequeueLocked(f)
	f.granted <- err // has room: a flight waits for one answer at a time
}

// dispatchLocked gives the room there is to those that wait, in their order. When it has returned, there is no room
// that one of them could use.
func (s *service) dispatchLocked() {
	for l := s.queue.front; l != nil; {
		f := l.flight
		l = l.next
		switch in := s.claimLocked(f); {
		case in != nil:
			s.grantLocked(f, nil)
		case len(f.tried) == 0:
			return // no room for anyone
		}
	}
}

// changedLocked brings the queue in line with instances and limits that have changed.
func (s *service) changedLocked() {
	s.dispatchLocked()
	for l := s.queue.front; l != nil; {
		f := l.flight
		l = l.next
		if err := s.hopelessLocked(f); err != nil {
			s.grantLocked(f, err)
		}
	}
	s.armLocked()
}

// deadlineLocked says until when f may wait as things are, and what is said then. Since the queue is in the order of the
// requests' beginning, the first one's deadline is the earliest.
func (s *service) deadlineLocked(f *flight) (time.Time, error) {
	switch l := s.limits; {
	case s.available == 0 && !s.idle:
		since := f.began
		if s.emptySince.After(since) {
			since = s.emptySince
		}
		return since.Add(s.wait), errNoInstance
	case s.atMostLocked():
		return f.began.Add(l.QueueTime), errQueueTime
	default:
		return f.began.Add(l.RequestTimeout), errTimeout
	}
}

// armLocked sets the timer to the first one's deadline. A timer that fires too early finds nothing to do and is set again.
func (s *service) armLocked() {
	if s.queue.n == 0 {
		return
	}
	at, _ := s.deadlineLocked(s.queue.front.flight)
	if !s.armed.IsZero() && !at.Before(s.armed) {
		return
	}
	s.armed = at
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(at), s.expire)
	} else {
		s.timer.Reset(time.Until(at))
	}
}

// expire refuses those that have waited long enough.
func (s *service) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = time.Time{}
	for now := time.Now(); s.queue.n > 0; {
		f := s.queue.front.flight
		at, err := s.deadlineLocked(f)
		if at.After(now) {
			break
		}
		s.grantLocked(f, err)
	}
	s.armLocked()
}

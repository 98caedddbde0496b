package fleet

import "slices"

// Scale changes how many instances of the served revision are kept, from 0 up; it does not wait for them. Instances too many
// are drained first. A service that has none but is to have some is asleep: its requests wait, and the next Scale, to 1 or
// more, wakes it. A service without a served revision is left alone. Repeating it changes nothing.
func (f *Fleet) Scale(service string, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.services[service]
	if s == nil {
		return
	}
	rev, ok := s.revisions[s.serving]
	if !ok || rev.Size == size {
		return
	}
	rev.Size = size
	s.revisions[s.serving] = rev
	if size == 0 {
		s.asleep, s.refusal = true, ""
	}
	f.publishLocked(s)
	s.changedLocked()
}

// Counts tells how many instances of the served revision requests go to, and how many more there are to be: they start, or
// wait for their turn after a failure. A service that serves nothing has none.
func (f *Fleet) Counts(service string) (ready, starting int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.services[service]
	if s == nil || s.serving == "" {
		return 0, 0
	}
	_, ready = s.countLocked(s.serving)
	return ready, max(0, s.revisions[s.serving].Size-ready)
}

// sizeLocked is how many instances a revision is deployed with: a service that is scaled out must not lose what it needs, and
// one that is asleep has to show that the revision starts.
func (s *service) sizeLocked(rev Revision) int {
	_, serving := s.countLocked(s.serving)
	least := max(rev.Size, 1)
	if rev.MaxSize > 0 {
		serving = min(serving, max(rev.MaxSize, least))
	}
	return max(least, serving)
}

// shrinkLocked removes surplus instances: those not serving yet first, then those without requests, then the others, and
// always the youngest of them.
func (f *Fleet) shrinkLocked(s *service, surplus int) {
	if surplus <= 0 {
		return
	}
	var list []*instance
	for _, i := range s.sortedLocked() {
		if i.rev.ID == s.serving && i.phase <= healthy {
			list = append(list, i)
		}
	}
	slices.Reverse(list)
	rank := map[*instance]int{}
	for _, i := range list {
		rank[i] = int(i.phase)
		if i.phase == healthy && f.busy(i) {
			rank[i]++
		}
	}
	slices.SortStableFunc(list, func(a, b *instance) int { return rank[a] - rank[b] })
	for _, i := range list[:min(surplus, len(list))] {
		f.removeLocked(i)
	}
}

// busy tells whether the instance has requests, as far as anybody knows.
func (f *Fleet) busy(i *instance) bool {
	if f.cfg.Use == nil {
		return true
	}
	inFlight, _ := f.cfg.Use(i.service.id, i.id)
	return inFlight > 0
}

// wokenLocked ends the sleep of a service with its first healthy instance.
func (s *service) wokenLocked(i *instance) {
	if i.rev.ID == s.serving {
		s.asleep, s.refusal = false, ""
	}
}

// noteFailureLocked has those who wait for a service to wake hear why it does not, until the next instance is tried.
func (s *service) noteFailureLocked(i *instance) {
	if s.asleep && i.rev.ID == s.serving && s.revisions[s.serving].Size > 0 {
		s.refusal = ownersReason(i.err)
	}
}

// Asleep tells whether the service serves a revision of which it is to have no instance until a request wakes it.
func (f *Fleet) Asleep(service string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.services[service]
	return s != nil && s.serving != "" && s.revisions[s.serving].Size == 0
}

// vacantLocked is why the service has no instances; nothing when it has.
func (s *service) vacantLocked() vacant {
	if !s.asleep {
		return vacant{}
	}
	return vacant{idle: true, refusal: s.refusal}
}

package image

import "sync"

// pins says what is being made or read just now, and so must not be removed. The zero value is ready for use.
//
// A sweep first looks what is needed and then removes the rest. What somebody pins in between, even if released again
// before the removal, may have become needed since the sweep looked; so while a sweep is under way every pin is remembered.
type pins struct {
	mu      sync.Mutex
	held    map[string]int
	sweeps  int
	touched map[string]bool // pinned since the oldest sweep under way began
}

func blobKey(d digest) string  { return "blob " + d.hex() }
func layerKey(d digest) string { return "layer " + d.hex() }
func imageKey(d digest) string { return "image " + d.hex() }

// pin protects the keys until release is called. Pin first, then look whether the thing exists.
func (p *pins) pin(keys ...string) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held, p.touched = map[string]int{}, map[string]bool{}
	}
	for _, k := range keys {
		p.held[k]++
		if p.sweeps > 0 {
			p.touched[k] = true
		}
	}
	return sync.OnceFunc(func() { p.release(keys) })
}

func (p *pins) release(keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		if p.held[k]--; p.held[k] == 0 {
			delete(p.held, k)
		}
	}
}

// sweep begins a sweep; call end when it is over.
func (p *pins) sweep() (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweeps++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.sweeps--; p.sweeps == 0 {
			clear(p.touched)
		}
	}
}

// take runs fn unless somebody needs key, and reports whether it ran. The mutex is held over fn, which must be one
// rename: whoever pins the key must find the thing either whole or gone.
func (p *pins) take(key string, fn func() error) (taken bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[key] > 0 || p.touched[key] {
		return false, nil
	}
	return true, fn()
}

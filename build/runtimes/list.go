package runtimes

import (
	"context"
	"fmt"
	"strings"

	"apron/api"
)

// List tells of every runtime which base an account's build without a lock would begin with, as far as this machine
// knows: no registry is asked, and nothing is started but this machine's own version commands.
func (b *Bases) List(ctx context.Context, account string) ([]api.RuntimeSummary, error) {
	var list []api.RuntimeSummary
	for _, rt := range All() {
		s, err := b.summary(ctx, account, rt)
		if err != nil {
			return nil, fmt.Errorf("describe runtime %s: %w", rt.Name, err)
		}
		list = append(list, s)
	}
	return list, nil
}

func (b *Bases) summary(ctx context.Context, account string, rt Runtime) (api.RuntimeSummary, error) {
	s := api.RuntimeSummary{
		RuntimeName: rt.Name, Runtime: orNil(rt.Enum), Deprecated: orNil(rt.Deprecated), BuildProcess: api.BuildProcess(strings.ToUpper(rt.Process())),
	}
	host, hostErr := b.hostBase(ctx, rt, "")
	s.HostVersion = orNil(host.Version)
	ref, configured := b.cfg.Map[rt.Name]
	if ref == Host {
		s.BaseSource, s.Base, s.BaseStatus, s.Version = api.BaseSourceHost, Host, api.BaseAvailable, orNil(host.Version)
		if hostErr != nil {
			s.BaseStatus, s.StatusReason = api.BaseUnavailable, new(hostErr.Error())
		}
		return s, nil
	}
	if !configured {
		_, tag, _, err := b.newestBuilt(ctx, account, rt, "")
		if tag != "" || err != nil {
			s.BaseSource, s.Base, s.BaseStatus, s.Version = api.BaseSourceBuilt, Repository(rt.Name)+":"+tag, api.BaseAvailable, &tag
			return s, err
		}
	}
	return s, b.describePulled(ctx, rt, configured, &s)
}

// describePulled fills in what is known of a base from a registry.
func (b *Bases) describePulled(ctx context.Context, rt Runtime, configured bool, s *api.RuntimeSummary) error {
	s.BaseSource, s.Base, s.BaseStatus = api.BaseSourceDefault, b.defaultReference(rt), api.BaseNotPulled
	if configured {
		s.BaseSource = api.BaseSourceConfigured
	}
	known, err := b.record(s.Base)
	if err != nil {
		return err
	}
	if _, err := b.cfg.Images.Image(ctx, known.Digest); known.Digest != "" && err == nil {
		s.BaseStatus, s.ImageDigest = api.BaseAvailable, &known.Digest
		versions, err := b.knownVersions(known.Digest)
		if err != nil {
			return err
		}
		s.Version = orNil(versions[strings.Join(rt.Probe, " ")])
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch failure, began := b.pulls[rt.Name]; {
	case began && failure == nil:
		s.BaseStatus = api.BasePulling
	case began:
		if s.StatusReason = new(failure.Error()); s.BaseStatus == api.BaseNotPulled {
			s.BaseStatus = api.BasePullFailed
		}
	}
	return nil
}

// defaultReference is the reference that is pulled for a runtime whose version is not locked.
func (b *Bases) defaultReference(rt Runtime) string {
	if ref, ok := b.cfg.Map[rt.Name]; ok {
		return rt.reference(ref, "")
	}
	return rt.reference(rt.Image, "")
}

// Pull begins to pull the image that a runtime's base comes from by reference, and looks into it; Run goes on with it. List
// tells how it goes. Registries that did not answer lately are asked again. Errors are *api.Error.
func (b *Bases) Pull(ctx context.Context, account, name string) (api.RuntimeSummary, error) {
	rt, ok := Lookup(name)
	if !ok {
		return api.RuntimeSummary{}, api.NotFound("There is no runtime %s. List the runtimes to see their names.", name)
	}
	if b.cfg.Map[rt.Name] == Host {
		return api.RuntimeSummary{}, api.InvalidRequest("The base of runtime %s is the machine itself, as the server is configured: there is no image to pull.", rt.Name)
	}
	b.askAgain()
	if b.begin(rt.Name) {
		b.queue <- rt // never blocks: it has room for every runtime once
	}
	return b.summary(ctx, account, rt)
}

// begin notes that a runtime's image is being pulled, unless it is already.
func (b *Bases) begin(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if failure, began := b.pulls[name]; began && failure == nil {
		return false
	}
	b.pulls[name] = nil
	return true
}

func (b *Bases) end(name string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		delete(b.pulls, name)
		return
	}
	b.pulls[name] = err
}

// Run pulls what Pull has begun, one after the other, until ctx is done. What is cut off then is begun anew by the next Pull.
func (b *Bases) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case rt := <-b.queue:
			_, err := b.pulled(ctx, rt, b.defaultReference(rt), "", func(string) {})
			if err != nil && ctx.Err() == nil {
				b.cfg.Log.Warn("base image not pulled", "runtime", rt.Name, "error", err)
			}
			b.end(rt.Name, err)
		}
	}
}

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

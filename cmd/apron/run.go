package main

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// start takes up what the last control plane left, before anybody can ask for it: instances are found and published, and what is
// missing is started. It blocks until that is done, or ctx. Operations go on with work.
func (p *platform) start(ctx context.Context) error {
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	p.end = end
	p.parts, p.work = errgroup.WithContext(work)
	p.run(p.driver.Run, p.logs.Run, p.fleet.Run)
	if err := p.worker.Recover(ctx); err != nil {
		return err
	}
	p.worker.CollectImages(ctx)
	return nil
}

// begin starts what acts by itself: operations, builds, collections, looks at repositories.
func (p *platform) begin() {
	p.run(p.worker.Run, p.scaler.Run, p.control.Run, p.bases.Run, p.watcher.Run, p.disk.Run)
}

func (p *platform) run(parts ...func(context.Context) error) {
	for _, part := range parts {
		p.parts.Go(func() error { return part(p.work) })
	}
}

// stop ends what runs, operations at their cursors, and returns why it had ended before that. Instances are left running.
func (p *platform) stop() error {
	if p.parts == nil {
		return nil
	}
	p.end()
	return p.parts.Wait()
}

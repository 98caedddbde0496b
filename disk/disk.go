// Package disk keeps the file system of the data directory from filling up. It alone decides what goes and when: whatever can
// be made again, and that for longer than its kind may lie unused, or at once while the disk is above its mark, the least
// recently used of what is cheapest to make again first. cmd/apron hands it the shelves; what lies on one, and whether
// something is in use, the shelves say themselves. It must never know what the things are.
package disk

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Config says what there is to decide about. All fields are required.
type Config struct {
	Log *slog.Logger
	Dir string // on the file system that is watched
	// High is the share of the disk, in percent of what can be used of it, above which things go although they are young, and Low
	// the share at which that ends.
	High, Low int
	Shelves   []Shelf // what is cheapest to make again first
	// Advice says what takes the space that could not be freed, for the log.
	Advice func(ctx context.Context) string
}

// Shelf is one kind of things that can be made again. Its functions may be called while the things are used: what is in use
// is left alone.
type Shelf struct {
	Name string
	Life time.Duration // what was not used for so long goes
	// Rest is how long a thing must have lain when the disk is above its mark; negative: it never goes before its time.
	Rest time.Duration
	List func(ctx context.Context) ([]Item, error)
	// Remove removes an item unless it was used since it was listed, and returns the bytes that this freed.
	Remove func(ctx context.Context, item Item) (freed int64, err error)
	// Sweep, if set, removes what no item stands for and nothing needs, and returns the bytes that this freed.
	Sweep func(ctx context.Context) (freed int64, err error)
}

// Item is a thing on a shelf.
type Item struct {
	Name   string    // for the log
	Bytes  int64     // that removing it frees, as far as one can tell
	Used   time.Time // when it was last used
	Orphan bool      // nobody can ever use it again: it goes at once
	InUse  bool      // it stays, whatever its age

	Value any // the shelf's own
}

// Disk watches the file system. Its methods may be called from many goroutines.
type Disk struct {
	cfg  Config
	turn chan struct{} // holds a token while a collection is under way

	// Guarded by turn.
	stuck  bool      // it was said that nothing is left to remove
	idle   time.Time // until when Run does not try again after that
	passed time.Time // when a collection last ended
}

// New makes a Disk; Run starts it.
func New(cfg Config) *Disk { return &Disk{cfg: cfg, turn: make(chan struct{}, 1)} }

const (
	lookEvery = 10 * time.Second // at the share of the disk that is used: one system call
	passEvery = time.Hour        // for what is old
	stuckFor  = 10 * time.Minute // when nothing was left to remove, there is not soon more
)

// Run collects what is old every hour, and more whenever the disk is above its mark, until ctx is done.
func (d *Disk) Run(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if due, err := d.due(ctx); err != nil && ctx.Err() == nil {
			d.cfg.Log.Error("the disk could not be looked at", "error", err)
		} else if due {
			if _, err := d.Collect(ctx, false); err != nil && ctx.Err() == nil {
				d.cfg.Log.Error("what can be made again could not all be removed; it is tried again within the hour", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// due tells whether it is time for a collection.
func (d *Disk) due(ctx context.Context) (bool, error) {
	if err := d.begin(ctx); err != nil {
		return false, err
	}
	defer d.end()
	if time.Since(d.passed) >= passEvery {
		return true, nil
	}
	space, err := spaceOf(d.cfg.Dir)
	return err == nil && space.Percent() > d.cfg.High && time.Now().After(d.idle), err
}

func (d *Disk) begin(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *Disk) end() { <-d.turn }

// Space is how full the watched file system is.
func (d *Disk) Space() (Space, error) { return spaceOf(d.cfg.Dir) }

// Marks are the shares, in percent, above which and down to which the disk is emptied.
func (d *Disk) Marks() (high, low int) { return d.cfg.High, d.cfg.Low }

// Result is what a collection did, or would do.
type Result struct {
	Freed  []Freed // by shelf, in their order; those of which nothing went are left out
	Before Space
	After  Space // with a dry run, the same as Before
	// Missing are the bytes that the disk is above its high mark when nothing is left to remove; 0 is below it.
	Missing int64
}

// Freed is what a collection took from a shelf.
type Freed struct {
	Shelf string
	Items int
	Bytes int64
}

// Total are the bytes that were freed in all.
func (r Result) Total() (n int64) {
	for _, f := range r.Freed {
		n += f.Bytes
	}
	return n
}

// Collect removes what is old and, while the disk is above its high mark, the rest that is not in use until it is at the low
// one. With dry it removes nothing and tells what it would, as far as items tell. It blocks until it is its turn and for
// as long as the removing takes, and ends early with ctx. An item that cannot be removed is an error and keeps nothing
// else from going.
func (d *Disk) Collect(ctx context.Context, dry bool) (Result, error) {
	return d.collect(ctx, pass{cfg: d.cfg, dry: dry, low: d.cfg.Low})
}

// relief is how much of the disk, in percent, Relieve makes free at least.
const relief = 10

// Relieve is Collect for somebody who has met a full disk, wherever it stands to its marks: a small disk is too full for a build
// before it is above any. It makes a tenth of the disk free, if there is so much to remove, and goes down to the low mark.
func (d *Disk) Relieve(ctx context.Context) (Result, error) {
	space, err := d.Space()
	if err != nil {
		return Result{}, err
	}
	return d.collect(ctx, pass{cfg: d.cfg, forced: true, low: min(d.cfg.Low, space.Percent()-relief)})
}

func (d *Disk) collect(ctx context.Context, p pass) (Result, error) {
	if err := d.begin(ctx); err != nil {
		return Result{}, err
	}
	defer d.end()
	p.now, p.freed = time.Now(), make([]Freed, len(d.cfg.Shelves))
	result, err := p.run(ctx)
	if err != nil {
		err = fmt.Errorf("collect what is not needed: %w", err)
	}
	if !p.dry {
		d.note(ctx, result)
	}
	return result, err
}

// note says what a collection did, and once that there is nothing left to do.
func (d *Disk) note(ctx context.Context, r Result) {
	d.passed = time.Now()
	for _, f := range r.Freed {
		d.cfg.Log.Info("removed what can be made again", "kind", f.Shelf, "count", f.Items, "bytes", f.Bytes)
	}
	if ctx.Err() != nil {
		return
	}
	if r.Missing <= 0 {
		d.stuck, d.idle = false, time.Time{}
		return
	}
	d.idle = time.Now().Add(stuckFor)
	if d.stuck {
		return
	}
	d.stuck = true
	d.cfg.Log.Error("the disk of the data directory is fuller than it should be, and nothing is left that can be made again; delete "+
		"services or images that were pushed, remove what others have put on the disk, enlarge it, or raise --disk-high; `apron df` shows what takes the space",
		"used_percent", r.After.Percent(), "disk_high", d.cfg.High, "bytes_over", r.Missing, "takes", d.cfg.Advice(ctx))
}

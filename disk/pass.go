package disk

import (
	"context"
	"errors"
	"slices"
	"time"
)

// pass is one collection.
type pass struct {
	cfg    Config
	dry    bool
	forced bool // what is young goes too, wherever the disk stands
	low    int  // percent down to which it goes
	now    time.Time
	items  [][]Item // by shelf, what is still there and not in use, the least recently used first
	freed  []Freed  // by shelf
	errs   []error
}

func (p *pass) run(ctx context.Context) (r Result, err error) {
	if r.Before, err = spaceOf(p.cfg.Dir); err != nil {
		return r, err
	}
	for i, shelf := range p.cfg.Shelves {
		p.freed[i].Shelf = shelf.Name
		p.items = append(p.items, p.list(ctx, shelf))
		p.takeOld(ctx, i)
	}
	p.sweep(ctx)
	if (p.forced || p.over(r.Before, p.cfg.High) > 0) && p.relieve(ctx, r.Before) {
		p.sweep(ctx)
	}
	r.After = r.Before
	if !p.dry {
		if r.After, err = spaceOf(p.cfg.Dir); err != nil {
			p.errs = append(p.errs, err)
		}
	}
	r.Missing = max(0, p.over(r.Before, p.cfg.High))
	r.Freed = slices.DeleteFunc(p.freed, func(f Freed) bool { return f.Bytes == 0 && f.Items == 0 })
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	return r, errors.Join(p.errs...)
}

// list gives what of a shelf may go at all.
func (p *pass) list(ctx context.Context, s Shelf) []Item {
	items, err := s.List(ctx)
	if err != nil {
		p.errs = append(p.errs, err)
		return nil
	}
	items = slices.DeleteFunc(items, func(i Item) bool { return i.InUse })
	slices.SortStableFunc(items, func(a, b Item) int { return a.Used.Compare(b.Used) })
	return items
}

// takeOld takes what nobody used for longer than its life, or ever will.
func (p *pass) takeOld(ctx context.Context, i int) {
	p.items[i] = slices.DeleteFunc(p.items[i], func(item Item) bool {
		old := item.Orphan || p.now.Sub(item.Used) >= p.cfg.Shelves[i].Life
		return old && p.remove(ctx, i, item)
	})
}

// relieve takes what is young, until the disk is at its low mark, and tells whether it took anything.
func (p *pass) relieve(ctx context.Context, before Space) (any bool) {
	for i, shelf := range p.cfg.Shelves {
		for _, item := range p.items[i] {
			if p.over(before, p.low) <= 0 || ctx.Err() != nil {
				return any
			}
			if shelf.Rest >= 0 && p.now.Sub(item.Used) >= shelf.Rest && p.remove(ctx, i, item) {
				any = true
			}
		}
	}
	return any
}

// over is how many bytes have to go until the disk is at the mark. A file system may be slow to give back what was removed,
// so that what it says is not all that counts.
func (p *pass) over(before Space, mark int) int64 {
	var freed int64
	for _, f := range p.freed {
		freed += f.Bytes
	}
	byCount := before.over(mark) - freed
	if p.dry {
		return byCount
	}
	now, err := spaceOf(p.cfg.Dir)
	if err != nil {
		return byCount
	}
	if freed == 0 {
		return now.over(mark)
	}
	return min(byCount, now.over(mark))
}

// remove reports whether the item is gone.
func (p *pass) remove(ctx context.Context, shelf int, item Item) bool {
	if ctx.Err() != nil {
		return false
	}
	freed := item.Bytes
	if !p.dry {
		var err error
		if freed, err = p.cfg.Shelves[shelf].Remove(ctx, item); err != nil {
			p.errs = append(p.errs, err)
			return false
		}
		if freed == 0 && item.Bytes > 0 {
			return false // it is in use again
		}
	}
	p.freed[shelf].Items++
	p.freed[shelf].Bytes += freed
	return true
}

func (p *pass) sweep(ctx context.Context) {
	for i, shelf := range p.cfg.Shelves {
		if p.dry || shelf.Sweep == nil || ctx.Err() != nil {
			continue
		}
		freed, err := shelf.Sweep(ctx)
		p.freed[i].Bytes += freed
		if err != nil {
			p.errs = append(p.errs, err)
		}
	}
}

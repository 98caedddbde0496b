package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"apron/api"
	"apron/build"
	"apron/build/source"
	"apron/disk"
	"apron/image"
	"apron/logs"
	"apron/store"
)

// How long what can be made again may lie unused. It is worth what making it again costs: a checkout a second, a cache a build
// that loads its packages again, a mirror a fetch of the whole branch, a base some hundred megabytes from a registry. Images
// that no service needs stay for image.Config's CollectGrace.
const (
	checkoutLife   = 24 * time.Hour
	cacheLife      = 14 * 24 * time.Hour
	mirrorLife     = 30 * 24 * time.Hour
	baseLife       = 30 * 24 * time.Hour
	repositoryLife = 30 * 24 * time.Hour // in built-in repositories what no branch leads to, and those that no service uses
	logLife        = 30 * 24 * time.Hour // of services that are deleted
)

// imageRest is how long an image must have lain when the disk is too full: far longer than from the end of a pull to the record
// of it.
const imageRest = time.Minute

// diskBand is how far below its high mark, in percent, the disk is emptied: not every build should meet the mark again.
const diskBand = 5

func (p *platform) openDisk() {
	high := p.cfg.DiskHigh
	p.disk = disk.New(disk.Config{
		Log: p.log, Dir: p.cfg.Data, High: high, Low: high - diskBand,
		Shelves: p.shelves(), Advice: p.mostSpace,
	})
}

// shelves are all that can be made again, what costs least first. Their names are in small letters what the API calls them.
func (p *platform) shelves() []disk.Shelf {
	return []disk.Shelf{
		{
			Name: shelfName(api.StorageKindCheckouts), Life: checkoutLife,
			List: func(ctx context.Context) ([]disk.Item, error) { return p.sourceItems(ctx, false) }, Remove: p.removeSource,
		},
		{Name: shelfName(api.StorageKindCaches), Life: cacheLife, List: p.cacheItems, Remove: p.removeCache},
		{
			Name: shelfName(api.StorageKindMirrors), Life: mirrorLife,
			List: func(ctx context.Context) ([]disk.Item, error) { return p.sourceItems(ctx, true) }, Remove: p.removeSource,
		},
		{
			Name: shelfName(api.StorageKindImages), Life: p.images.Grace(), Rest: imageRest, Remove: p.removeImage,
			List: func(ctx context.Context) ([]disk.Item, error) {
				images, _, err := p.worker.Unneeded(ctx)
				return imageItems(images), err
			},
			Sweep: func(ctx context.Context) (int64, error) { return p.worker.CollectImages(ctx), nil },
		},
		{
			Name: shelfName(api.StorageKindBases), Life: baseLife, Rest: imageRest, Remove: p.removeImage,
			List: func(ctx context.Context) ([]disk.Item, error) {
				_, bases, err := p.worker.Unneeded(ctx)
				return imageItems(bases), err
			},
		},
		{Name: shelfName(api.StorageKindRepositories), List: noItems, Sweep: p.pruneGit},
		{Name: shelfName(api.StorageKindLogs), Life: logLife, Rest: -1, List: p.logItems, Remove: p.removeLogs},
	}
}

func shelfName(kind api.StorageKind) string { return strings.ToLower(string(kind)) }

func noItems(context.Context) ([]disk.Item, error) { return nil, nil }

// sourceItems lists mirrors or checkouts. Those of a service under an operation are in use: a build reads the checkout.
func (p *platform) sourceItems(ctx context.Context, mirrors bool) (items []disk.Item, err error) {
	list, err := p.sources.Kept(ctx)
	if err != nil {
		return nil, err
	}
	// After the list: whoever begins to use a checkout later than this has touched it, and Remove sees that.
	busy, err := p.worker.UnderOperation(ctx)
	for _, k := range list {
		if k.Mirror == mirrors {
			items = append(items, disk.Item{
				Name: k.Service, Bytes: k.Bytes, Used: k.Used, Value: k,
				Orphan: !p.worker.Exists(ctx, k.Service), InUse: busy[k.Service],
			})
		}
	}
	return items, err
}

func (p *platform) removeSource(_ context.Context, i disk.Item) (int64, error) {
	return p.sources.Remove(i.Value.(source.Kept))
}

// cacheItems lists build caches. Empty ones are kept as long as their services are: they hold what is known of the builds.
func (p *platform) cacheItems(ctx context.Context) (items []disk.Item, err error) {
	list, err := p.builder.Caches(ctx)
	for _, c := range list {
		orphan := !p.worker.Exists(ctx, c.Service)
		if orphan || c.Bytes > 0 {
			items = append(items, disk.Item{Name: c.Service, Bytes: c.Bytes, Used: c.Used, Value: c, Orphan: orphan})
		}
	}
	return items, err
}

func (p *platform) removeCache(_ context.Context, i disk.Item) (int64, error) {
	if i.Orphan {
		return i.Bytes, p.builder.Forget(i.Name)
	}
	return p.builder.RemoveCache(i.Value.(build.Cache))
}

func imageItems(list []image.Stored) (items []disk.Item) {
	for _, img := range list {
		items = append(items, disk.Item{Name: img.Digest, Bytes: img.Bytes, Used: img.Used})
	}
	return items
}

func (p *platform) removeImage(ctx context.Context, i disk.Item) (int64, error) {
	return p.worker.RemoveImage(ctx, i.Name, imageRest)
}

// logItems lists the logs of services that there are no more.
func (p *platform) logItems(ctx context.Context) (items []disk.Item, err error) {
	list, err := p.logs.Services()
	for _, svc := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.worker.Exists(ctx, svc.ID) {
			continue
		}
		bytes, last, err := p.logs.Usage(svc)
		if err != nil {
			return nil, err
		}
		items = append(items, disk.Item{Name: svc.Name, Bytes: bytes, Used: last, Value: svc})
	}
	return items, err
}

func (p *platform) removeLogs(_ context.Context, i disk.Item) (int64, error) {
	return i.Bytes, p.logs.Remove(i.Value.(logs.Service))
}

// pruneGit gives back what built-in repositories no longer need.
func (p *platform) pruneGit(ctx context.Context) (freed int64, err error) {
	type repository struct{ account, name string }
	used := map[repository]bool{}
	err = p.eachFromGit(ctx, func(svc store.Service, name string) { used[repository{svc.Account, name}] = true })
	if err != nil {
		return 0, err
	}
	return p.git.Prune(ctx, func(account, name string) bool { return used[repository{account, name}] }, repositoryLife)
}

// relieve makes room for an operation that has met a full disk.
func (p *platform) relieve(ctx context.Context) int64 {
	result, err := p.disk.Relieve(ctx)
	if err != nil && ctx.Err() == nil {
		p.log.Error("what can be made again could not all be removed", "error", err)
	}
	return result.Total()
}

// mostSpace names the three kinds of things that take the most space, for the log.
func (p *platform) mostSpace(ctx context.Context) string {
	s, err := p.storage(ctx)
	if err != nil {
		return "could not be measured: " + err.Error()
	}
	kinds := s.StorageSummaryList
	slices.SortStableFunc(kinds, func(a, b api.StorageSummary) int { return cmp.Compare(b.Bytes, a.Bytes) })
	var parts []string
	for _, k := range kinds[:min(3, len(kinds))] {
		parts = append(parts, fmt.Sprintf("%s %d MiB", shelfName(k.StorageKind), k.Bytes>>20))
	}
	return strings.Join(parts, ", ")
}

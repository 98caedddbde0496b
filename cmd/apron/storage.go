package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"apron/api"
	"apron/operation"
	"apron/store"
)

// describeStorage tells the account that the server belongs to how its disk is used.
func (p *platform) describeStorage(ctx context.Context, account string) (api.Storage, error) {
	if err := p.owns(account); err != nil {
		return api.Storage{}, err
	}
	return p.storage(ctx)
}

// collectGarbage is a collection for the account that the server belongs to.
func (p *platform) collectGarbage(ctx context.Context, account string, dry bool) (api.Garbage, error) {
	if err := p.owns(account); err != nil {
		return api.Garbage{}, err
	}
	r, err := p.disk.Collect(ctx, dry)
	high, _ := p.disk.Marks()
	g := api.Garbage{FreedBytes: int(r.Total()), UsedPercent: r.After.Percent(), HighPercent: high, OverBytes: int(r.Missing)}
	for _, f := range r.Freed {
		g.GarbageSummaryList = append(g.GarbageSummaryList, api.GarbageSummary{
			StorageKind: api.StorageKind(strings.ToUpper(f.Shelf)), Count: f.Items, FreedBytes: int(f.Bytes),
		})
	}
	return g, err
}

// owns refuses other accounts: the disk is no account's but the server's, and what is on it tells of all of them.
func (p *platform) owns(account string) error {
	if account == p.keys.owner {
		return nil
	}
	return api.InvalidRequest("The disk is that of account %s, which the server belongs to. Use a key of that account.", p.keys.owner)
}

func (p *platform) storage(ctx context.Context) (s api.Storage, err error) {
	space, err := p.disk.Space()
	if err != nil {
		return s, err
	}
	s.TotalBytes, s.UsedBytes, s.AvailableBytes = int(space.Total), int(space.Used), int(space.Available)
	s.UsedPercent = space.Percent()
	s.HighPercent, s.LowPercent = p.disk.Marks()
	if s.StorageSummaryList, err = p.imageStorage(ctx); err != nil {
		return s, err
	}
	m := measure{services: map[string]*api.ServiceStorage{}}
	if err := p.measureServices(ctx, &m); err != nil {
		return s, err
	}
	kinds, err := p.sourceStorage(ctx, &m)
	if err != nil {
		return s, err
	}
	s.StorageSummaryList = append(append(s.StorageSummaryList, kinds...), p.fileStorage(&m)...)
	s.ServiceStorageList = m.largestFirst()
	return s, m.err
}

// imageStorage measures unpacked images, and the registry with its blobs.
func (p *platform) imageStorage(ctx context.Context) ([]api.StorageSummary, error) {
	all, err := p.images.List(ctx)
	if err != nil {
		return nil, err
	}
	unneeded, bases, err := p.worker.Unneeded(ctx)
	if err != nil {
		return nil, err
	}
	var digests, used, kept []string
	free := map[string]bool{}
	for _, img := range append(slices.Clone(unneeded), bases...) {
		free[img.Digest] = true
	}
	for _, img := range all {
		digests = append(digests, img.Digest)
		if !free[img.Digest] {
			used = append(used, img.Digest)
		}
	}
	kept = slices.Clone(used)
	for _, img := range bases {
		kept = append(kept, img.Digest)
	}
	total, err1 := p.images.Bytes(digests...)
	withBases, err2 := p.images.Bytes(kept...)
	needed, err3 := p.images.Bytes(used...)
	tags, blobs, err4 := p.images.RegistryUsage(ctx)
	alone := int(withBases - needed)
	return []api.StorageSummary{
		{StorageKind: api.StorageKindImages, Count: len(all) - len(bases), Bytes: int(total) - alone, ReclaimableBytes: int(total - withBases)},
		{StorageKind: api.StorageKindBases, Count: len(bases), Bytes: alone, ReclaimableBytes: alone},
		{StorageKind: api.StorageKindRegistry, Count: tags, Bytes: int(blobs)},
	}, errors.Join(err1, err2, err3, err4)
}

// measure adds up what services take.
type measure struct {
	services map[string]*api.ServiceStorage // by id
	err      error
}

func (m *measure) service(id string) *api.ServiceStorage {
	if s, ok := m.services[id]; ok {
		return s
	}
	return &api.ServiceStorage{} // of one that is gone
}

func (m *measure) largestFirst() (list []api.ServiceStorage) {
	size := func(s api.ServiceStorage) int { return s.ImageBytes + s.SourceBytes + s.CacheBytes + s.LogBytes }
	for _, s := range m.services {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b api.ServiceStorage) int {
		return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a.ServiceArn, b.ServiceArn))
	})
	return list
}

// measureServices measures the images and the logs of all services that are not deleted.
func (p *platform) measureServices(ctx context.Context, m *measure) error {
	return p.store.View(ctx, func(tx *store.Tx) error {
		for _, status := range undeleted {
			list, err := tx.ServicesIn(status)
			if err != nil {
				return err
			}
			for _, row := range list {
				if err := p.measureService(tx, row.Record, m); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (p *platform) measureService(tx *store.Tx, svc store.Service, m *measure) error {
	past, err := tx.ListDeployments(svc.Service.ServiceArn, 0, -1)
	if err != nil {
		return err
	}
	var digests []string
	for _, d := range past {
		digests = append(digests, d.Record.Deployment.Image)
	}
	if svc.Deployed != nil && svc.Deployed.Image != "" {
		digests = append(digests, svc.Deployed.Image)
	}
	images, err := p.images.Bytes(digests...)
	if err != nil {
		return err
	}
	logs, _, err := p.logs.Usage(operation.Group(svc.Service))
	m.services[svc.Service.ServiceId] = &api.ServiceStorage{
		ServiceArn: svc.Service.ServiceArn, ServiceName: svc.Service.ServiceName, ImageBytes: int(images), LogBytes: int(logs),
	}
	return err
}

// sourceStorage measures what fetches and builds keep between them.
func (p *platform) sourceStorage(ctx context.Context, m *measure) ([]api.StorageSummary, error) {
	kinds := map[bool]*api.StorageSummary{false: {StorageKind: api.StorageKindCheckouts}, true: {StorageKind: api.StorageKindMirrors}}
	for mirrors, kind := range kinds {
		items, err := p.sourceItems(ctx, mirrors)
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			kind.Count++
			kind.Bytes += int(i.Bytes)
			if !i.InUse {
				kind.ReclaimableBytes += int(i.Bytes)
			}
			m.service(i.Name).SourceBytes += int(i.Bytes)
		}
	}
	caches := api.StorageSummary{StorageKind: api.StorageKindCaches}
	items, err := p.cacheItems(ctx)
	for _, i := range items {
		caches.Count++
		caches.Bytes += int(i.Bytes)
		m.service(i.Name).CacheBytes += int(i.Bytes)
	}
	caches.ReclaimableBytes = caches.Bytes
	return []api.StorageSummary{*kinds[false], caches, *kinds[true]}, err
}

// fileStorage measures the rest of the data directory.
func (p *platform) fileStorage(m *measure) []api.StorageSummary {
	counted := func(kind api.StorageKind, things string, dirs ...string) api.StorageSummary {
		s := api.StorageSummary{StorageKind: kind}
		found, err := filepath.Glob(p.data.join(things))
		s.Count, m.err = len(found), errors.Join(m.err, err)
		for _, dir := range dirs {
			bytes, err := onDisk(p.data.join(dir))
			s.Bytes, m.err = s.Bytes+int(bytes), errors.Join(m.err, err)
		}
		return s
	}
	return []api.StorageSummary{
		counted(api.StorageKindRepositories, "git/*/*.git", "git"),
		counted(api.StorageKindInstances, "driver/instances/*", "driver"),
		counted(api.StorageKindLogs, "logs/*/*", "logs"),
		counted(api.StorageKindDatabase, storeFile, storeFile, storeFile+"-wal", storeFile+"-shm"),
	}
}

// onDisk is what a directory or file takes on its own file system: what is mounted below it is not its own.
func onDisk(root string) (total int64, err error) {
	var device uint64
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return skipGone(err)
		}
		info, err := os.Lstat(path)
		if err != nil {
			return skipGone(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		if path == root {
			device = stat.Dev
		}
		if stat.Dev != device {
			return fs.SkipDir
		}
		if d.IsDir() {
			total += stat.Blocks * 512
		} else {
			total += stat.Blocks * 512 / int64(stat.Nlink) // a hard link counts in part
		}
		return nil
	})
	return total, err
}

// skipGone passes over what was removed while it was counted.
func skipGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

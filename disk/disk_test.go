package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// room is a small file system with shelves on it, whose things are real files.
type room struct {
	*Disk
	t    *testing.T
	dir  string
	log  bytes.Buffer
	used map[string]bool // names of what is in use
	left map[string]bool // names of orphans
	fail string          // a name that cannot be removed
}

const mib = 1 << 20

// newRoom mounts a tmpfs of 64 MiB.
func newRoom(t *testing.T, options string, shelves ...Shelf) *room {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts a small file system")
	}
	r := &room{t: t, dir: t.TempDir(), used: map[string]bool{}, left: map[string]bool{}}
	if err := unix.Mount("tmpfs", r.dir, "tmpfs", 0, "size=64m"+options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(r.dir, 0); err != nil {
			t.Error(err)
		}
	})
	if shelves == nil {
		shelves = []Shelf{{Name: "cheap", Life: time.Hour}, {Name: "dear", Life: 24 * time.Hour, Rest: time.Minute}, {Name: "patient", Life: 24 * time.Hour, Rest: -1}}
	}
	for i := range shelves {
		r.fit(&shelves[i])
	}
	r.Disk = New(Config{
		Log: slog.New(slog.NewTextHandler(io.MultiWriter(&r.log, t.Output()), nil)), Dir: r.dir, High: 75, Low: 50, Shelves: shelves,
		Advice: func(context.Context) string { return "stones 40 MiB" },
	})
	return r
}

// fit makes the shelf's files its items.
func (r *room) fit(s *Shelf) {
	dir := filepath.Join(r.dir, s.Name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
	s.List = func(context.Context) (items []Item, err error) {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				return nil, err
			}
			name := s.Name + "/" + e.Name()
			items = append(items, Item{Name: name, Bytes: info.Size(), Used: info.ModTime(), InUse: r.used[name], Orphan: r.left[name]})
		}
		return items, err
	}
	s.Remove = func(_ context.Context, i Item) (int64, error) {
		if i.Name == r.fail {
			return 0, errors.New("it is stuck")
		}
		return i.Bytes, os.Remove(filepath.Join(r.dir, i.Name))
	}
}

func (r *room) put(name string, size int, age time.Duration) {
	r.t.Helper()
	path, at := filepath.Join(r.dir, name), time.Now().Add(-age)
	if err := errors.Join(os.WriteFile(path, make([]byte, size), 0o600), os.Chtimes(path, at, at)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) collect() Result {
	r.t.Helper()
	result, err := r.Collect(r.t.Context(), false)
	if err != nil {
		r.t.Error(err)
	}
	return result
}

// holds wants these things and no others.
func (r *room) holds(names ...string) {
	r.t.Helper()
	var got []string
	for _, s := range r.cfg.Shelves {
		items, err := s.List(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		for _, i := range items {
			got = append(got, i.Name)
		}
	}
	if !slices.Equal(got, names) {
		r.t.Errorf("there is %q, want %q", got, names)
	}
}

func TestCollect_BelowTheMark_TakesOnlyWhatIsOldOrAnOrphan(t *testing.T) {
	r := newRoom(t, "")
	r.put("cheap/old", mib, 2*time.Hour)
	r.put("cheap/old-in-use", mib, 2*time.Hour)
	r.put("cheap/young", mib, time.Minute)
	r.put("cheap/young-orphan", mib, 0)
	r.put("dear/young", mib, 2*time.Hour)
	r.put("patient/old", mib, 25*time.Hour)
	r.used["cheap/old-in-use"], r.left["cheap/young-orphan"] = true, true

	dry, err := r.Collect(t.Context(), true)
	if err != nil || dry.Total() != 3*mib {
		t.Errorf("a dry run tells of %d bytes, %v", dry.Total(), err)
	}
	r.holds("cheap/old", "cheap/old-in-use", "cheap/young", "cheap/young-orphan", "dear/young", "patient/old")
	got := r.collect()
	r.holds("cheap/old-in-use", "cheap/young", "dear/young")
	if want := []Freed{{"cheap", 2, 2 * mib}, {"patient", 1, mib}}; !slices.Equal(got.Freed, want) || !slices.Equal(dry.Freed, want) {
		t.Errorf("freed %+v, foretold %+v, want %+v", got.Freed, dry.Freed, want)
	}
}

// TestCollect_AboveTheMark_GoesDownToTheLowOne by what is cheapest, and then by what was used longest ago.
func TestCollect_AboveTheMark_GoesDownToTheLowOne(t *testing.T) {
	r := newRoom(t, "")
	r.put("stone", 10*mib, 0) // nobody's
	for i := range 3 {
		r.put(fmt.Sprint("cheap/", i), 4*mib, time.Duration(10-i)*time.Minute)
	}
	for i := range 8 {
		r.put(fmt.Sprint("dear/", i), 3*mib, time.Duration(10-i)*time.Minute)
	}
	r.put("patient/young", 4*mib, time.Minute)
	r.used["dear/0"] = true
	r.collect() // 50 MiB are 79 %, and 32 MiB are left
	r.holds("dear/0", "dear/3", "dear/4", "dear/5", "dear/6", "dear/7", "patient/young")
	if s, err := r.Space(); err != nil || s.Percent() > 50 {
		t.Errorf("the disk is %d%% full, %v", s.Percent(), err)
	}
	r.put("stone2", 15*mib, 0) // 44 MiB are below the high mark
	r.collect()
	r.holds("dear/0", "dear/3", "dear/4", "dear/5", "dear/6", "dear/7", "patient/young")
}

// TestRelieve_MakesATenthFree of a disk that is below its marks.
func TestRelieve_MakesATenthFree(t *testing.T) {
	r := newRoom(t, "")
	for i := range 4 {
		r.put(fmt.Sprint("cheap/", i), 5*mib, time.Duration(10-i)*time.Minute)
	}
	if got, err := r.Relieve(t.Context()); err != nil || got.Total() != 10*mib || got.Missing != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	r.holds("cheap/2", "cheap/3")
}

func TestCollect_SaysOnceThatNothingIsLeft(t *testing.T) {
	r := newRoom(t, "")
	r.put("stone", 50*mib, 0)
	r.put("dear/too-young", mib, 0)
	r.put("patient/young", mib, time.Minute)
	for range 3 {
		if got := r.collect(); got.Missing < 3*mib || got.Missing > 5*mib {
			t.Errorf("%d bytes are missing", got.Missing)
		}
	}
	said := func() int { return strings.Count(r.log.String(), "nothing is left that can be made again") }
	if said() != 1 || !strings.Contains(r.log.String(), "stones 40 MiB") {
		t.Errorf("it was said %d times:\n%s", said(), r.log.String())
	}
	if due, err := r.due(t.Context()); due || err != nil {
		t.Errorf("it is tried again at once: %v", err)
	}
	r.holds("dear/too-young", "patient/young")
	r.put("stone", mib, 0)
	r.collect()
	r.put("stone", 50*mib, 0)
	if due, err := r.due(t.Context()); !due || err != nil {
		t.Errorf("above the mark anew it is not tried: %v", err)
	}
	if r.collect(); said() != 2 {
		t.Errorf("it was said %d times after the disk had room", said())
	}
}

func TestCollect_GoesOnAfterWhatCannotBeRemoved(t *testing.T) {
	r := newRoom(t, "")
	r.put("cheap/0", mib, 2*time.Hour)
	r.put("cheap/1", mib, 2*time.Hour)
	r.fail = "cheap/0"
	if _, err := r.Collect(t.Context(), false); err == nil || !strings.Contains(err.Error(), "it is stuck") {
		t.Errorf("%v", err)
	}
	r.holds("cheap/0")
}

// TestCollect_CountsFilesToo because a disk without room for another file is full.
func TestCollect_CountsFilesToo(t *testing.T) {
	r := newRoom(t, ",nr_inodes=100")
	for i := range 80 {
		r.put(fmt.Sprintf("cheap/%02d", i), 1, time.Duration(100-i)*time.Second)
	}
	if s, err := r.Space(); err != nil || s.Percent() < 80 {
		t.Fatalf("the disk is %d%% full, %v", s.Percent(), err)
	}
	r.collect()
	if s, err := r.Space(); err != nil || s.Percent() > 75 {
		t.Errorf("the disk is %d%% full, %v", s.Percent(), err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "cheap/79")); err != nil {
		t.Error(err)
	}
}

// TestCollect_OfAnything holds what is promised whatever lies on the shelves: nothing in use goes, nothing young goes while
// something cheaper, or older of its kind, could have gone in its place, and the disk is below its mark or nothing is left.
func TestCollect_OfAnything(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			r := newRoom(t, "", Shelf{Name: "a", Life: time.Hour}, Shelf{Name: "b", Life: 2 * time.Hour}, Shelf{Name: "c", Life: time.Hour, Rest: 10 * time.Minute})
			var before []Item
			for total := rnd.IntN(20 * mib); ; {
				size := rnd.IntN(4*mib) + 1
				if total += size + 4096; total > 60*mib || rnd.IntN(40) == 0 {
					break
				}
				name := fmt.Sprintf("%c/%03d", 'a'+rune(rnd.IntN(3)), len(before))
				r.used[name], r.left[name] = rnd.IntN(3) == 0, rnd.IntN(10) == 0
				age := time.Duration(rnd.IntN(180)) * time.Minute
				r.put(name, size, age)
				before = append(before, Item{Name: name, Used: time.Now().Add(-age)})
			}
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { r.collect() })
			}
			wg.Wait()
			r.wantFair(before)
		})
	}
}

func (r *room) wantFair(before []Item) {
	r.t.Helper()
	gone := func(name string) bool {
		_, err := os.Stat(filepath.Join(r.dir, name))
		return err != nil
	}
	shelf := func(i Item) int { return int(i.Name[0] - 'a') }
	old := func(i Item) bool { return r.left[i.Name] || time.Since(i.Used) >= r.cfg.Shelves[shelf(i)].Life }
	may := func(i Item) bool { return !r.used[i.Name] && time.Since(i.Used) >= r.cfg.Shelves[shelf(i)].Rest }
	space, err := r.Space()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, i := range before {
		switch {
		case r.used[i.Name] && gone(i.Name):
			r.t.Errorf("%s was in use", i.Name)
		case !r.used[i.Name] && old(i) && !gone(i.Name):
			r.t.Errorf("%s is old and there", i.Name)
		case !gone(i.Name) && may(i) && space.Percent() > r.cfg.High:
			r.t.Errorf("the disk is %d%% full, and %s is there", space.Percent(), i.Name)
		}
		for _, j := range before {
			first := shelf(j) < shelf(i) || shelf(j) == shelf(i) && j.Used.Before(i.Used)
			if gone(i.Name) && !old(i) && first && may(j) && !gone(j.Name) {
				r.t.Errorf("%s went before %s", i.Name, j.Name)
			}
		}
	}
}

// TestRun_CollectsWhenTheDiskFillsUp between two looks at what is old.
func TestRun_CollectsWhenTheDiskFillsUp(t *testing.T) {
	r := newRoom(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	r.put("cheap/0", 55*mib, time.Minute)
	for end := time.Now().Add(3*lookEvery + time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s, _ := r.Space(); s.Percent() < 50 {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	r.holds()
}

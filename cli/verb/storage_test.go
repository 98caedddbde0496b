package verb_test

import (
	"encoding/json"
	"strings"
	"testing"

	"apron/api"
)

func (p *platform) describeStorage(*api.DescribeStorageRequest) (*api.DescribeStorageResponse, error) {
	return &api.DescribeStorageResponse{Storage: &api.Storage{
		TotalBytes: 100 << 30, UsedBytes: 42 << 30, AvailableBytes: 58 << 30, UsedPercent: 42, HighPercent: 85, LowPercent: 80,
		StorageSummaryList: []api.StorageSummary{
			{StorageKind: api.StorageKindImages, Count: 3, Bytes: 1536 << 20, ReclaimableBytes: 512 << 10},
			{StorageKind: api.StorageKindCaches, Count: 1, Bytes: 1000, ReclaimableBytes: 1000},
		},
		ServiceStorageList: []api.ServiceStorage{{ServiceName: "web-app", ImageBytes: 1 << 30, SourceBytes: 5 << 20, LogBytes: 10}},
	}}, nil
}

func (p *platform) collectGarbage(in *api.CollectGarbageRequest) (*api.CollectGarbageResponse, error) {
	g := &api.Garbage{FreedBytes: 3 << 20, UsedPercent: 90, HighPercent: 85, OverBytes: 5 << 30,
		GarbageSummaryList: []api.GarbageSummary{{StorageKind: api.StorageKindCheckouts, Count: 2, FreedBytes: 3 << 20}}}
	if *in.DryRun {
		g = &api.Garbage{UsedPercent: 50, HighPercent: 85}
	}
	return &api.CollectGarbageResponse{Garbage: g}, nil
}

func TestDf_ShowsKindsAndServices(t *testing.T) {
	p := newPlatform(t)
	got := run(t, p.url, "df")
	want := `42.0G of 100.0G used (42%), 58.0G left; above 85% what can be made again is removed, down to 80%

KIND    COUNT  SIZE   RECLAIMABLE
images  3      1.5G   512.0K
caches  1      1000B  1000B

SERVICE  IMAGES  SOURCE  CACHES  LOGS
web-app  1.0G    5.0M    0B      10B
`
	if got.code != 0 || got.out != want {
		t.Errorf("code %d, printed\n%s\nwant\n%s%s", got.code, got.out, want, got.err)
	}
	var out api.DescribeStorageResponse
	if got := run(t, p.url, "df", "--json"); json.Unmarshal([]byte(got.out), &out) != nil || len(out.Storage.StorageSummaryList) != 2 {
		t.Errorf("--json printed %s", got.out)
	}
}

func TestGc_TellsWhatItFreedAndWhatItCouldNot(t *testing.T) {
	p := newPlatform(t)
	got := run(t, p.url, "gc")
	for _, part := range []string{"checkouts  2      3.0M\n", "3.0M freed; the disk is 90% full\n", "It is 5.0G above its mark of 85%", "`apron df`"} {
		if got.code != 0 || !strings.Contains(got.out, part) {
			t.Errorf("code %d, lacks %q:\n%s%s", got.code, part, got.out, got.err)
		}
	}
	if got := run(t, p.url, "gc", "--dry-run"); got.out != "0B would be freed; the disk is 50% full\n" {
		t.Errorf("--dry-run printed\n%s%s", got.out, got.err)
	}
}

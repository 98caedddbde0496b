package fleet_test

import (
	"testing"
	"time"

	"apron/driver"
	"apron/driver/drivertest"
)

func TestUsage_OfWhatRunsAndOfWhatIsBeingMade(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("v1", 1))
		begun := time.Now()
		time.Sleep(time.Minute)
		r.fake.SetFault(func(driver.Spec) drivertest.Fault { return drivertest.Fault{StartDelay: time.Minute} })
		go r.Deploy(t.Context(), web("v2", 1))
		time.Sleep(time.Second)
		list, err := r.Usage(t.Context(), "web")
		if err != nil || len(list) != 2 {
			t.Fatalf("usage = %+v, %v; want that of two instances", list, err)
		}
		runs, comes := list[0], list[1]
		if runs.Revision != "v1" || !runs.Healthy || runs.StartedAt.IsZero() || runs.StartedAt.After(begun) ||
			runs.CPU <= 0 || runs.Memory <= 0 || runs.MemoryLimit <= runs.Memory {
			t.Errorf("what runs uses %+v", runs)
		}
		if comes.Revision != "v2" || comes.State != "starting" || !comes.StartedAt.IsZero() || comes.CPU != 0 || comes.Memory != 0 {
			t.Errorf("what is being made uses %+v", comes)
		}
		if none, err := r.Usage(t.Context(), "nobody"); err != nil || len(none) != 0 {
			t.Errorf("an unknown service has %+v, %v", none, err)
		}
	})
}

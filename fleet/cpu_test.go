package fleet_test

import (
	"testing"
	"time"

	"apron/fleet"
)

// limit is what the instance may use just now.
func (r *rig) limit(id string) int {
	r.t.Helper()
	found, err := r.fake.Inspect(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return found.Usage.CPULimit
}

func small(rev fleet.Revision) fleet.Revision {
	rev.CPU = 256
	return rev
}

func TestCPU_IsWholeUntilHealthyAndTheInstancesOwnFromThen(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.fake.SetFault(slow)
		go r.serve(small(web("r1", 1)))
		pass(10 * time.Second)
		r.want("while it starts", r.limit(r.fake.IDs()[0]), 1024)
		pass(11 * time.Second)
		r.want("healthy", r.limit(r.ids()[0]), 256)
	})
}

func TestCPU_OfAnIdleInstanceIsGivenUpAndBackBeforeTheNextRequest(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		id := r.ids()[0]
		r.want("at first", r.limit(id), 1024)
		pass(8 * time.Second)
		r.want("idle", r.limit(id), 64)
		conn, err := r.Dial(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		r.want("with a connection, before it is used", r.limit(id), 1024)
		pass(4 * time.Second)
		r.want("shortly after", r.limit(id), 1024)
		conn.Close()
		pass(4 * time.Second)
		r.want("idle again", r.limit(id), 64)
	})
}

func TestCPU_IsKeptAsLongAsThereAreRequests(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		id := r.ids()[0]
		r.setUse(map[string]int{id: 1}) // a stream, or a WebSocket
		pass(time.Hour)
		r.want("with a request in flight", r.limit(id), 1024)
		r.setUse(nil)
		for range 20 { // short ones over connections that are kept, none of which is ever seen in flight
			r.mu.Lock()
			r.given++
			r.mu.Unlock()
			pass(3 * time.Second)
			r.want("with requests now and then", r.limit(id), 1024)
		}
		pass(10 * time.Second)
		r.want("without", r.limit(id), 64)
	})
}

func TestCPU_IsKeptWhereTheServiceSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(small(web("r1", 1)))
		id := r.ids()[0]
		pass(10 * time.Second)
		r.want("at rest", r.limit(id), 64)
		r.KeepCPU("web", true)
		r.want("told to keep it", r.limit(id), 256)
		pass(time.Hour)
		r.want("an hour later", r.limit(id), 256)
		r.KeepCPU("web", false)
		pass(10 * time.Second)
		r.want("told no more", r.limit(id), 64)
	})
}

func TestCPU_IsThereForTheHealthCheck(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(checked("r1", 1))
		id := r.ids()[0]
		pass(12 * time.Second)
		r.want("between two checks", r.limit(id), 64)
		before := len(r.fake.Calls())
		pass(5 * time.Second)
		calls := r.fake.Calls()[before:]
		r.want("around a check", calls, []string{"cpu 1024 " + id, "cpu 64 " + id})
	})
}

func TestCPU_IsThereForTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		id := r.ids()[0]
		pass(10 * time.Second)
		before := len(r.fake.Calls())
		r.Scale("web", 0)
		pass(time.Second)
		r.want("calls", r.fake.Calls()[before:], []string{"cpu 1024 " + id, "stop " + id, "destroy " + id})
	})
}

func TestCPU_OfAnInstanceThatIsFoundIsItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(small(web("r1", 1)))
		id := r.ids()[0]
		pass(10 * time.Second)
		r.want("at rest", r.limit(id), 64)
		r = r.restart()
		r.recover([]fleet.Revision{small(web("r1", 1))})
		pass(time.Second)
		r.want("taken over", r.limit(id), 256)
		pass(10 * time.Second)
		r.want("idle", r.limit(id), 64)
	})
}

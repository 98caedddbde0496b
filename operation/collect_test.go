package operation_test

import (
	"testing"
	"time"

	"apron/api"
	"apron/image"
	"apron/store"
)

func TestDelete_FreesItsImageAtOnce(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.requirePulled("web:1", true)
		r.delete(arn)
		r.ends(arn, api.OperationSucceeded)
		r.requirePulled("web:1", false)
	})
}

func TestDelete_OfAPausedService_FreesItsImageAtOnce(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.paused("web-app")
		r.delete(arn)
		r.ends(arn, api.OperationSucceeded)
		r.requirePulled("web:1", false)
	})
}

// TestUpdate_KeepsTheOldImage as long as its deployment is one of the last ten, and frees it with the eleventh.
func TestUpdate_KeepsTheOldImageAsLongAsOneCanGoBackToIt(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.update(arn, "web:2", nil)
		r.ends(arn, api.OperationSucceeded)
		for range store.PastDeployments - 2 {
			r.deploy(arn) // of the same image
			r.ends(arn, api.OperationSucceeded)
		}
		time.Sleep(5 * time.Hour) // whatever looks images through has done so
		r.requirePulled("web:1", true)
		r.deploy(arn)
		r.ends(arn, api.OperationSucceeded)
		r.requirePulled("web:1", false)
		r.requirePulled("web:2", true)
	})
}

func TestImage_ThatAnotherServiceNeeds_Stays(t *testing.T) {
	bubble(t, func(r *rig) {
		kept := r.paused("paused")
		gone := r.running("web-app")
		r.delete(gone)
		r.ends(gone, api.OperationSucceeded)
		r.requirePulled("web:1", true)
		time.Sleep(5 * time.Hour) // whatever looks images through has done so
		r.requirePulled("web:1", true)
		r.resume(kept)
		r.ends(kept, api.OperationSucceeded)
		r.holds(kept, api.StatusRunning)
	})
}

// TestImage_LetGoDuringAPull_IsFreedAfterIt because the pull may be one of the very same image.
func TestImage_LetGoDuringAPull_IsFreedAfterIt(t *testing.T) {
	bubble(t, func(r *rig) {
		gone := r.running("web-app")
		kept := r.createFrom("web:2", "other", nil)
		r.ends(kept, api.OperationSucceeded)
		r.login = func() *image.Auth {
			time.Sleep(time.Minute)
			return nil
		}
		r.deploy(kept)
		time.Sleep(time.Second)
		r.delete(gone)
		r.ends(gone, api.OperationSucceeded)
		r.requirePulled("web:1", true)
		r.ends(kept, api.OperationSucceeded)
		r.requirePulled("web:1", false)
		r.requirePulled("web:2", true)
	})
}

// TestImage_OfAFailedCreate_StaysForTheNextTryAndThenGoes without any operation that would set it going.
func TestImage_OfAFailedCreate_StaysForTheNextTryAndThenGoes(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.create("web-app", map[string]string{"EXIT_AT_START": "3"})
		r.ends(arn, api.OperationFailed)
		r.requirePulled("web:1", true)
		time.Sleep(2 * time.Hour)
		r.requirePulled("web:1", false)
	})
}

// TestImage_OfAnOpenOperation_Stays though no service is deployed from it yet: between the pull and its cursor, and
// through a restart.
func TestImage_OfAnOpenOperation_Stays(t *testing.T) {
	bubble(t, func(r *rig) {
		r.endAt(api.OperationCreateService, "pull saved")
		end := r.at
		r.at = func(kind, place string) {
			if place == "pull done" {
				time.Sleep(time.Hour) // it is not young any more
				r.worker.CollectImages(t.Context())
				r.requirePulled("web:1", true)
			}
			end(kind, place)
		}
		arn := r.create("web-app", nil)
		r.awaitEnd()
		r.slowStarts()
		r = r.restart()
		time.Sleep(30 * time.Second) // the start is under way
		r.worker.CollectImages(t.Context())
		r.requirePulled("web:1", true)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
	})
}

package autodeploy

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestQueue_HasOneLookOfAServiceThatIsDueByItself, however many were asked for meanwhile.
func TestQueue_HasOneLookOfAServiceThatIsDueByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		looks := 0
		look := func() {
			for arn, ok := q.next(); ok; arn, ok = q.next() {
				looks++
				q.done(arn, 10*time.Second) // as while an operation is under way
			}
		}
		for range 60 {
			q.add("arn")
			look()
			time.Sleep(7 * time.Second)
			look()
		}
		if looks != 60 {
			t.Errorf("%d looks in seven minutes with one asked for every 7 s, want those 60", looks)
		}
		time.Sleep(4 * time.Second)
		if look(); looks != 61 {
			t.Errorf("%d looks, want the one that was due", looks)
		}
	})
}

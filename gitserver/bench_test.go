package gitserver_test

import (
	"fmt"
	"testing"
)

// BenchmarkPush pushes 5000 small files, and after that one change of one of them.
func BenchmarkPush(b *testing.B) {
	c := newCheckout(b)
	for n := range 5000 {
		c.write(fmt.Sprintf("dir%d/file%d", n%50, n), fmt.Sprintf("file %d\n", n))
	}
	c.commit("more", "1")
	b.Run("all", func(b *testing.B) {
		w := newWorld(b)
		for n := 0; b.Loop(); n++ {
			c.git("push", "-q", w.url("OWNER", fmt.Sprintf("all-%d", n)), "main")
		}
	})
	b.Run("one", func(b *testing.B) {
		w := newWorld(b)
		c.git("push", "-q", w.url("OWNER", "one"), "main")
		for n := 0; b.Loop(); n++ {
			c.commit("more", fmt.Sprint(n, b.N))
			c.git("push", "-q", w.url("OWNER", "one"), "main")
		}
	})
}

package fleet

import (
	"math/rand/v2"
	"time"
)

const (
	backoffBase = time.Second
	backoffCap  = time.Minute
)

// crashDelay is how long the replacement after so many failures in a row waits. The first comes at once: most
// instances that end do so once in a while. Jitter of a fifth keeps services that fell together from rising together.
func crashDelay(attempt int) time.Duration {
	if attempt <= 1 {
		return 0
	}
	return backoff(attempt - 2)
}

// backoff doubles from a second up to a minute, less up to a fifth.
func backoff(try int) time.Duration {
	d := backoffCap
	if try < 6 { // 1<<6 seconds are past the cap
		d = backoffBase << try
	}
	return d - rand.N(d/5)
}

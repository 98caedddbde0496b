package logs

import (
	"fmt"
	"strings"
	"time"
)

// Part is how long a part of something took.
type Part struct {
	Name string
	Took time.Duration
}

// BuiltIn says how long a build took, and what of it.
func BuiltIn(all time.Duration, parts []Part) string { return "Built in " + spent(all, parts) }

// DeployedIn says how long a deployment took, and what of it.
func DeployedIn(all time.Duration, parts []Part) string { return "Deployed in " + spent(all, parts) }

// leastShown is what a part takes for people to be told of it.
const leastShown = time.Millisecond

func spent(all time.Duration, parts []Part) string {
	var texts []string
	for _, p := range parts {
		if p.Took >= leastShown {
			texts = append(texts, p.Name+" "+short(p.Took))
		}
	}
	if len(texts) == 0 {
		return short(all) + "."
	}
	return fmt.Sprintf("%s: %s.", short(all), strings.Join(texts, ", "))
}

// short has the precision that anybody reads: 34 ms, 2.9 s, 4 min 10 s.
func short(d time.Duration) string {
	if d := d.Round(time.Millisecond); d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	if d := d.Round(time.Second / 10); d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

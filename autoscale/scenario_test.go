package autoscale

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestScenarios reads each file of testdata. Its lines are
//
//	set KEY VALUE ...                                   the configuration, from here on
//	at TIME KEY VALUE ... -> SIZE [REASON]              what is seen at that time, and what must be decided
//	at TIME..TIME KEY VALUE ... -> SIZE [REASON]        the same each second, the reason only at the first
//
// and comments. What a line does not say: no request; the instances are ready that were decided on the line before;
// the last use is now if a request is seen, else when it was.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sc := scenario{start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
			for i, line := range strings.Split(string(text), "\n") {
				line, _, _ = strings.Cut(line, "#")
				if err := sc.line(strings.Fields(line)); err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
			}
			if sc.decisions == 0 {
				t.Errorf("%s expects nothing", file)
			}
		})
	}
}

type scenario struct {
	start     time.Time
	cfg       Config
	scaler    *Scaler
	size      int
	lastUse   time.Time
	decisions int
}

func (sc *scenario) line(words []string) error {
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "set":
		return sc.set(words[1:])
	case words[0] == "at" && len(words) > 2:
		return sc.at(words[1], words[2:])
	}
	return fmt.Errorf("a line begins with set or at, not %q", words[0])
}

func (sc *scenario) set(words []string) error {
	err := pairs(words, func(key, value string) (err error) {
		switch key {
		case "min":
			sc.cfg.MinSize, err = strconv.Atoi(value)
		case "max":
			sc.cfg.MaxSize, err = strconv.Atoi(value)
		case "concurrency":
			sc.cfg.MaxConcurrency, err = strconv.Atoi(value)
		case "idle-timeout":
			sc.cfg.IdleTimeout, err = time.ParseDuration(value)
		case "scale-in-after":
			sc.cfg.ScaleInAfter, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("there is no setting %q", key)
		}
		return err
	})
	if sc.scaler == nil {
		sc.scaler = New(sc.cfg)
	} else {
		sc.scaler.Set(sc.cfg)
	}
	return err
}

func (sc *scenario) at(when string, words []string) error {
	seen, want, found := strings.Cut(strings.Join(words, " "), "->")
	if !found || sc.scaler == nil {
		return fmt.Errorf("a line of what is seen has set before it and -> SIZE in it")
	}
	number, reason, _ := strings.Cut(strings.TrimSpace(want), " ")
	size, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	from, to, err := span(when)
	for d := from; d <= to && err == nil; d += time.Second {
		if err = sc.decide(d, strings.Fields(seen), Decision{size, reason}); err != nil {
			err = fmt.Errorf("at %v: %w", d, err)
		}
		reason = ""
	}
	return err
}

func (sc *scenario) decide(at time.Duration, seen []string, want Decision) error {
	o := Observation{At: sc.start.Add(at), Ready: sc.size}
	err := pairs(seen, func(key, value string) error {
		n, err := strconv.Atoi(value)
		field, known := map[string]*int{"in-flight": &o.InFlight, "waiting": &o.Waiting, "peak": &o.Peak, "ready": &o.Ready, "starting": &o.Starting}[key]
		if !known {
			return fmt.Errorf("nothing that is seen is called %q", key)
		}
		*field = n
		return err
	})
	if o.demand() > 0 {
		sc.lastUse = o.At
	}
	o.LastUse = sc.lastUse
	got := sc.scaler.Decide(o)
	sc.size = got.Size
	sc.decisions++
	if err == nil && got != want {
		err = fmt.Errorf("decided %d %s\nwant %d %s", got.Size, got.Reason, want.Size, want.Reason)
	}
	return err
}

func span(when string) (from, to time.Duration, err error) {
	first, last, many := strings.Cut(when, "..")
	if from, err = time.ParseDuration(first); err != nil || !many {
		return from, from, err
	}
	to, err = time.ParseDuration(last)
	return from, to, err
}

func pairs(words []string, each func(key, value string) error) error {
	if len(words)%2 != 0 {
		return fmt.Errorf("%q has a key without a value", words)
	}
	for i := 0; i < len(words); i += 2 {
		if err := each(words[i], words[i+1]); err != nil {
			return err
		}
	}
	return nil
}

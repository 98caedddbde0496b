//go:build linux && cgo

package build_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestBuild_SaysWhereItsTimeWent(t *testing.T) {
	r := newRig(t)
	begin := time.Now()
	res := r.must(r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"sleep 0.3"}}), "started": "hello"}))
	all := time.Since(begin)
	var sum time.Duration
	for _, p := range res.Phases {
		if sum += p.Took; p.Took < 0 || p.Commands != (p.Name == "build") {
			t.Errorf("phase %+v", p)
		}
	}
	if commands := took(res, "build"); commands < 300*time.Millisecond || commands > all {
		t.Errorf("`sleep 0.3` took %v of %v", commands, all)
	}
	if sum > all || all-sum > all/2 { // what lies between phases is nothing, on a machine that has time
		t.Errorf("the phases take %v together, the build %v", sum, all)
	}
	lines := strings.Split(strings.TrimSpace(r.log()), "\n")
	if last := lines[len(lines)-1]; !regexp.MustCompile(`^\[AppRunner\] Built in \d.*s: .*build \d.*s, .*image \d+ ms`).MatchString(last) {
		t.Errorf("the last line is %q", last)
	}
	r.must(again(r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"sleep 0.3"}}), "started": "hello"})))
	if log := r.log(); strings.Contains(log, "Built in") {
		t.Errorf("nothing was built, and the log says:\n%s", log)
	}
}

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// report prints each list whose outcomes differ and the sums; it returns how many do.
func report(o options, results []result) int {
	different, worded, sent := 0, 0, 0
	exits := map[int]int{}
	for _, r := range results {
		exits[r.aws.exit]++
		sent += len(r.aws.requests)
		diffs := r.differences()
		if o.verbose || len(diffs) > 0 {
			fmt.Printf("%d: %s\n", r.number, quoted(r.args))
		}
		for _, d := range diffs {
			fmt.Println("   ", d)
		}
		if len(diffs) > 0 {
			different++
		} else if r.aws.stderr != r.apron.stderr {
			worded++
		}
	}
	fmt.Printf("seed %d: %d argument lists, %d differ in exit code, standard output or requests; %d more in what they say on standard error\n", o.seed, len(results), different, worded)
	fmt.Printf("AWS's CLI ended with %s and sent %d requests\n", counts(exits), sent)
	return different
}

func (r result) differences() (diffs []string) {
	if r.err != nil {
		return []string{r.err.Error()}
	}
	if r.aws.exit != r.apron.exit {
		diffs = append(diffs, fmt.Sprintf("exit code: aws %d, apron %d", r.aws.exit, r.apron.exit),
			"stderr of aws:   "+strconv.Quote(tail(r.aws.stderr)), "stderr of apron: "+strconv.Quote(tail(r.apron.stderr)))
	}
	if r.aws.stdout != r.apron.stdout {
		diffs = append(diffs, firstDifference("standard output", r.aws.stdout, r.apron.stdout))
	}
	if !slices.Equal(r.aws.requests, r.apron.requests) {
		diffs = append(diffs, fmt.Sprintf("requests:\n      aws   %q\n      apron %q", r.aws.requests, r.apron.requests))
	}
	return diffs
}

func firstDifference(what, aws, apron string) string {
	a, b := strings.Split(aws, "\n"), strings.Split(apron, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%s, line %d:\n      aws   %q\n      apron %q", what, i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%s: aws has %d lines, apron %d", what, len(a), len(b))
}

func tail(text string) string {
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-300):]
}

func quoted(args []string) string {
	var words []string
	for _, a := range args {
		words = append(words, strconv.Quote(a))
	}
	return strings.Join(words, " ")
}

func counts(of map[int]int) string {
	var parts []string
	for code, n := range of {
		parts = append(parts, fmt.Sprintf("%d (%d times)", code, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

package cli

import (
	"fmt"
	"runtime"
	"strings"
)

// compatible is the version of AWS's CLI whose behaviour this one has, and says it has: scripts compare versions.
const compatible = "2.9.19"

// userAgent is what requests and --version say: AWS's CLI of the compatible version, what really runs, and the command
// where there is one.
func (r *run) userAgent(command string) string {
	agent := fmt.Sprintf("aws-cli/%s Go/%s %s apron/%s", compatible, strings.TrimPrefix(runtime.Version(), "go"), system(), r.Version)
	if words, err := r.session.UserAgent(); err == nil && words != "" { // what is wrong with it is found when it matters
		agent += " " + words
	}
	agent += " prompt/" + r.mode
	if command != "" {
		agent += " command/" + command
	}
	return agent
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"apron/api"
)

// awsCLI is AWS's own, version 2, as Debian installs it.
const awsCLI = "/usr/bin/aws"

// contestant is a command line that is measured as a whole process.
type contestant struct {
	name    string
	command []string
	times   series
	peaks   []int64 // KiB, of the process's resident memory
}

// cli measures what one PauseService costs a script, by apron and by AWS's CLI in turns, against a stub on loopback that
// answers at once.
func (b *bench) cli(rounds int) error {
	stub := httptest.NewServer(http.HandlerFunc(answerPause))
	defer stub.Close()
	apron, err := filepath.Abs(b.apron)
	if err != nil {
		return err
	}
	clients := []*contestant{
		{name: "apron apprunner pause-service", command: []string{apron, "apprunner"}},
		{name: "aws apprunner pause-service", command: []string{awsCLI, "apprunner"}},
		{name: "apron pause", command: []string{apron}},
	}
	arn := "arn:aws:apprunner:us-east-1:123456789012:service/web-app/" + benchID
	clients[0].command = append(clients[0].command, "pause-service", "--service-arn", arn, "--query", "Service.Status", "--output", "text", "--endpoint-url", stub.URL)
	clients[1].command = append(clients[1].command, clients[0].command[2:]...)
	clients[2].command = append(clients[2].command, "pause", arn, "--wait=false", "--endpoint-url", stub.URL)
	for range rounds {
		for _, c := range clients {
			if err := b.once(c); err != nil {
				return err
			}
		}
	}
	printClients(clients, rounds)
	return nil
}

const benchID = "8fe1e10304f84fd2b0df550fe98a71fa"

// answerPause answers every call as PauseService, which is all that is asked.
func answerPause(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	fmt.Fprintf(w, `{"OperationId":"17fe9f55-7e91-4097-b243-fcabbb69a4cf","Service":{"ServiceName":"web-app","ServiceId":"%s",`+
		`"ServiceArn":"arn:aws:apprunner:us-east-1:123456789012:service/web-app/%[1]s","Status":%q}}`, benchID, api.StatusOperationInProgress)
}

// once times the command, and then runs it again to learn its peak memory, of which time(1) tells more truly than this
// process could: what a process held before it became another program counts as the other's.
func (b *bench) once(c *contestant) error {
	time.Sleep(rest / 5)
	begin := time.Now()
	if err := b.finish(c.command...); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	c.times.add(time.Since(begin))
	file := filepath.Join(b.dir, "peak")
	if err := b.finish(append([]string{"/usr/bin/time", "-f", "%M", "-o", file}, c.command...)...); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	peak, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	c.peaks = append(c.peaks, peak)
	return err
}

// finish runs the command to its end.
func (b *bench) finish(command ...string) error {
	cmd := exec.CommandContext(b.ctx, command[0], command[1:]...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return err
}

func printClients(clients []*contestant, rounds int) {
	fmt.Printf("\n| (i) one call, a whole process; %d rounds, in turns | median ms | min | p90 | peak MB | times apron's |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", rounds)
	base := clients[0].times.at(0.5)
	for _, c := range clients {
		slices.Sort(c.peaks)
		fmt.Printf("| `%s` | %.1f | %.1f | %.1f | %.1f | %.1f |\n", c.name, ms(c.times.at(0.5)), ms(c.times.at(0)), ms(c.times.at(0.9)),
			float64(c.peaks[len(c.peaks)/2])*1024/1e6, float64(c.times.at(0.5))/float64(base))
	}
}

// Command apron-demo shows what apron does, on a platform of its own in a temporary directory: it pushes an example
// service as an image, creates it, calls it, pauses it, proves that nothing is left of it, resumes and deletes it. Then
// it does the same with one from source, which is pushed with git and deploys a change by itself. It prints each step
// with its time. `make demo` runs it. It uses the installed aws CLI where there is one, and AWS's Go SDK else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"apron/aprontest"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away must not keep us from stopping the platform
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	apron := flag.String("apron", "bin/apron", "the apron program")
	save := flag.String("save", "", "only write the example's image into this file, as docker save does")
	flag.Parse()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	var err error
	if *save != "" {
		err = saveExample(ctx, *save)
	} else {
		err = run(ctx, *apron)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// saveExample builds the example service and writes its image into a file.
func saveExample(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp("", "apron-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "hello")
	if err := aprontest.Build(ctx, "./examples/hello", program); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return aprontest.Save(program, path)
}

func run(ctx context.Context, apron string) (err error) {
	dir, err := os.MkdirTemp("", "apron-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	d := &demo{ctx: ctx, last: time.Now()}
	program := filepath.Join(dir, "hello")
	if err := aprontest.Build(ctx, "./examples/hello", program); err != nil {
		return err
	}
	d.say("built examples/hello, a web server in one static file")
	p, err := aprontest.Start(ctx, apron, filepath.Join(dir, "data"), nil, runtimeArguments()...)
	if err != nil {
		return err
	}
	defer func() {
		if errors.Is(ctx.Err(), context.Canceled) { // what else went wrong then is of no interest
			err = context.Cause(ctx)
		}
		err = errors.Join(err, d.end(p))
	}()
	d.platform, d.aws = p, chooseClient(p)
	d.say("started apron: API %s, services behind %s", p.APIURL(), p.Env["APRON_EDGE_URL"])
	d.title("a service from an image")
	if err := d.image(program); err != nil {
		return err
	}
	d.title("a service from source")
	if err := d.source(dir); err != nil {
		return err
	}
	d.title("the end")
	return nil
}

// demo prints steps with the time since the one before.
type demo struct {
	ctx      context.Context
	platform *aprontest.Platform
	aws      client
	last     time.Time
}

func (d *demo) say(format string, args ...any) {
	now := time.Now()
	fmt.Printf("%8.0f ms  %s\n", float64(now.Sub(d.last))/1e6, fmt.Sprintf(format, args...))
	d.last = now
}

func (d *demo) title(text string) { fmt.Printf("\n%13s%s\n\n", "", text) }

// image goes the whole way of a service from an image.
func (d *demo) image(program string) error {
	ref, err := d.push(program)
	if err != nil {
		return err
	}
	arn, url, err := d.create("hello", map[string]any{"ImageRepository": map[string]any{
		"ImageIdentifier": ref, "ImageRepositoryType": "ECR",
		"ImageConfiguration": map[string]any{"RuntimeEnvironmentVariables": map[string]string{"GREETING": "Good day"}},
	}})
	if err != nil {
		return err
	}
	if err := d.call(url, "/", http.StatusOK); err != nil {
		return err
	}
	return d.life(arn, url)
}

// life pauses a running service, shows that nothing is left, resumes it, lets it fall asleep and wakes it, and deletes it.
func (d *demo) life(arn, url string) error {
	trace, err := d.platform.Trace(arn[strings.LastIndex(arn, "/")+1:])
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return d.footprint(trace, "while it runs, it holds") },
		func() error { return d.operate("pause-service", arn, "PAUSED") },
		func() error { return d.call(url, "/", http.StatusNotFound) },
		func() error { return d.nothingLeft(trace) },
		func() error { return d.operate("resume-service", arn, "RUNNING") },
		func() error { return d.call(url, "/", http.StatusOK) },
		func() error { return d.sleep(arn) },
		func() error { return d.call(url, "/", http.StatusOK) },
		func() error { return d.operate("delete-service", arn, "DELETED") },
		func() error { return d.call(url, "/", http.StatusNotFound) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) push(program string) (ref string, err error) {
	img, err := aprontest.Image(program)
	if err != nil {
		return "", err
	}
	if ref, err = d.platform.Push(d.ctx, img, "hello:1"); err == nil {
		d.say("pushed the image to apron's own registry as %s", ref)
	}
	return ref, err
}

// create makes the service and waits until it runs.
func (d *demo) create(name string, source map[string]any) (arn, url string, err error) {
	made, err := d.aws.call(d.ctx, "create-service", map[string]any{"ServiceName": name, "SourceConfiguration": source})
	if err != nil {
		return "", "", err
	}
	d.say("%s create-service: %s", d.aws.name(), made.Service.Status)
	if err := d.follow(made.Service.ServiceArn, made.OperationId); err != nil {
		return "", "", err
	}
	return made.Service.ServiceArn, made.Service.ServiceUrl, d.is(made.Service.ServiceArn, "RUNNING")
}

// operate calls the action and follows its operation to the end.
func (d *demo) operate(action, arn, status string) error {
	reply, err := d.aws.call(d.ctx, action, map[string]any{"ServiceArn": arn})
	if err != nil {
		return err
	}
	d.say("%s %s: %s", d.aws.name(), action, reply.Service.Status)
	if err := d.await(reply); err != nil {
		return err
	}
	return d.is(arn, status)
}

// await follows the operation with ListOperations, by the SDK, which does not cost a process a look.
func (d *demo) await(r reply) error {
	return d.ended(aprontest.Succeed(d.ctx, d.platform.Client(), r.Service.ServiceArn, &r.OperationId))
}

func (d *demo) ended(err error) error {
	if err != nil {
		return fmt.Errorf("%w\n%s", err, d.platform.Log())
	}
	d.say("its operation is listed as SUCCEEDED")
	return nil
}

func (d *demo) is(arn, status string) error {
	r, err := d.aws.call(d.ctx, "describe-service", map[string]any{"ServiceArn": arn})
	if err != nil {
		return err
	}
	if r.Service.Status != status {
		return fmt.Errorf("the service is %s, want %s\n%s", r.Service.Status, status, d.platform.Log())
	}
	d.say("%s describe-service: %s", d.aws.name(), status)
	return nil
}

func (d *demo) call(url, path string, want int) error {
	req, err := http.NewRequestWithContext(d.ctx, http.MethodGet, "http://"+url+path, nil)
	if err != nil {
		return err
	}
	resp, err := d.platform.HTTP().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("GET %s%s: %s %q; want %d\n%s", url, path, resp.Status, body, want, d.platform.Log())
	}
	d.say("GET http://%s%s: %s %s", url, path, resp.Status, strings.TrimSpace(string(body)))
	return nil
}

func (d *demo) footprint(t *aprontest.Trace, what string) error {
	f, err := t.Footprint()
	if err == nil {
		d.say("%s %s", what, f)
	}
	return err
}

func (d *demo) nothingLeft(t *aprontest.Trace) error {
	f, err := t.Footprint()
	if err != nil {
		return err
	}
	if !f.Zero() {
		return fmt.Errorf("the paused service still holds %s", f)
	}
	d.say("paused, it holds %s", f)
	return nil
}

// sleep has the service fall asleep after a second without a request, and waits until nothing of it is left.
func (d *demo) sleep(arn string) error {
	trace, err := d.platform.Trace(arn[strings.LastIndex(arn, "/")+1:])
	if err != nil {
		return err
	}
	tag := map[string]string{"Key": "apron:idle-timeout", "Value": "1s"}
	if _, err := d.aws.call(d.ctx, "tag-resource", map[string]any{"ResourceArn": arn, "Tags": []any{tag}}); err != nil {
		return err
	}
	d.say("%s tag-resource: %s=%s", d.aws.name(), tag["Key"], tag["Value"])
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		f, err := trace.Footprint()
		if err != nil {
			return err
		}
		if f.Zero() {
			d.say("idle, it holds %s, and the next request wakes it", f)
			return d.is(arn, "RUNNING")
		}
	}
	return errors.New("the service did not fall asleep within a minute")
}

// end stops the platform and everything that it ran.
func (d *demo) end(p *aprontest.Platform) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), time.Minute)
	defer cancel()
	err := p.Stop(ctx, true)
	if err == nil {
		d.say("stopped apron; nothing of it is left on this machine")
	}
	return err
}

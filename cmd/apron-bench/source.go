package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/aprontest"
)

// numerals is the service that is built: the Go example, whose answers besides say which commit they are of, and which
// process they are from.
type numerals struct {
	*bench
	repo   *aprontest.Repository
	cache  string // of the Go command, for the same build done bare
	commit int
}

// source measures how long a commit takes from the call to its first answer, on a platform of its own whose builds have this
// machine's Go, or that of a base made of Debian's packages.
func (b *bench) source(rounds, colds int, base string) error {
	dir := filepath.Join(b.dir, "source-"+base)
	repo, err := aprontest.NewRepository(b.ctx, dir)
	if err != nil {
		return err
	}
	args := []string{"--file-repositories", dir}
	if base == "host" {
		args = append(args, "--runtime-image", "go1=host")
	}
	p, err := aprontest.Start(b.ctx, b.apron, filepath.Join(dir, "data"), nil, args...)
	if err != nil {
		return err
	}
	n := &numerals{bench: &bench{ctx: b.ctx, apron: b.apron, dir: dir, platform: p, client: p.Client(), http: p.HTTP()}, repo: repo, cache: filepath.Join(dir, "cache")}
	if base != "host" {
		_, err = p.PushBase(b.ctx, "go1")
	}
	if err == nil {
		err = n.measure(rounds, colds, base)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 2*time.Minute)
	defer cancel()
	return errors.Join(err, p.Stop(end, true))
}

// measure makes services whose caches are empty, and then has the last of them deploy, in turns with the bare command.
func (n *numerals) measure(rounds, colds int, base string) error {
	if err := fs.WalkDir(os.DirFS("examples/go"), ".", n.copy); err != nil {
		return err
	}
	fresh, err := n.platform.RSS()
	if err != nil {
		return err
	}
	first, cold, changed, unchanged := &deployment{name: "the first on this base"}, &deployment{name: "cold"}, &deployment{name: "changed"}, &deployment{name: "unchanged"}
	bare := &series{name: "the same `go build`, bare"}
	svc, err := n.create(first)
	for range colds {
		if err == nil {
			svc, err = n.create(cold)
		}
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(n.platform.Log()))
	}
	for round := range rounds {
		if err := n.round(svc, changed, unchanged, bare); err != nil {
			return fmt.Errorf("round %d: %w\n%s", round, err, lastLines(n.platform.Log()))
		}
	}
	time.Sleep(settle)
	after, err := n.platform.RSS()
	if err != nil {
		return err
	}
	printDeployments([]*deployment{first, cold, changed, unchanged}, bare, base)
	fmt.Printf("\nresident memory of apron serve: %.1f MiB just started, %.1f MiB after %d builds\n", mib(fresh), mib(after), rounds+colds+1)
	return nil
}

// create measures a service that never was.
func (n *numerals) create(kind *deployment) (*types.Service, error) {
	if err := n.push(); err != nil {
		return nil, err
	}
	time.Sleep(rest)
	begin := time.Now()
	out, err := n.client.CreateService(n.ctx, n.input())
	if err != nil {
		return nil, err
	}
	return out.Service, n.deployed(kind, out.Service, out.OperationId, begin, "")
}

// round is one turn of all that can be had again and again.
func (n *numerals) round(svc *types.Service, changed, unchanged *deployment, bare *series) error {
	if err := n.push(); err != nil {
		return err
	}
	for _, kind := range []*deployment{changed, unchanged} {
		if err := n.redeploy(kind, svc); err != nil {
			return err
		}
	}
	return n.buildBare(bare)
}

func (n *numerals) redeploy(kind *deployment, svc *types.Service) error {
	time.Sleep(rest)
	old, err := n.ask(svc)
	if err != nil {
		return err
	}
	begin := time.Now()
	out, err := n.client.StartDeployment(n.ctx, &apprunner.StartDeploymentInput{ServiceArn: svc.ServiceArn})
	if err != nil {
		return err
	}
	return n.deployed(kind, svc, out.OperationId, begin, old)
}

// deployed waits for an answer that is not old's, and adds how long that took, and what the platform says of it.
func (n *numerals) deployed(kind *deployment, svc *types.Service, operation *string, begin time.Time, old string) error {
	for {
		answer, err := n.ask(svc)
		if err == nil && answer != old {
			break
		}
		if n.ctx.Err() != nil {
			return context.Cause(n.ctx)
		}
		if time.Since(begin) > buildLimit {
			return fmt.Errorf("%s: no new answer within %v; the last is %q, %w", kind.name, buildLimit, answer, err)
		}
		time.Sleep(pollPause(time.Since(begin)))
	}
	total := time.Since(begin)
	if err := aprontest.Succeed(n.ctx, n.client, *svc.ServiceArn, operation); err != nil {
		return err
	}
	text, err := n.platform.Own(n.ctx, "DescribeOperation", map[string]any{"ServiceArn": *svc.ServiceArn, "OperationId": *operation})
	if err != nil {
		return err
	}
	var out api.DescribeOperationResponse
	if err := json.Unmarshal(text, &out); err != nil {
		return err
	}
	kind.add(total, out.Operation)
	return nil
}

// pollPause is how long to wait before the next look at something that old: the looks must not take the CPU from a build,
// and their pause is half a hundredth of the result at most.
func pollPause(age time.Duration) time.Duration {
	return min(max(age/200, time.Millisecond), 100*time.Millisecond)
}

// buildLimit is how long one deployment may take.
const buildLimit = 10 * time.Minute

var errNotServed = errors.New("the service does not answer")

// ask returns the answer of the service, which no other process of it gives.
func (n *numerals) ask(svc *types.Service) (string, error) {
	resp, err := n.http.Get("http://" + *svc.ServiceUrl + "/1987")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && !strings.HasPrefix(string(text), "MCMLXXXVII") {
		err = errNotServed
	}
	return string(text), err
}

// push makes another commit of the example.
func (n *numerals) push() error {
	n.commit++
	text, err := os.ReadFile("examples/go/main.go")
	if err != nil {
		return err
	}
	const answer = "fmt.Fprintln(w, numeral)"
	changed := strings.Replace(string(text), answer, fmt.Sprintf(`fmt.Fprintln(w, numeral, "of commit %d since", begun)`, n.commit), 1)
	if changed == string(text) {
		return fmt.Errorf("examples/go/main.go has no %q", answer)
	}
	_, err = n.repo.Push(n.ctx, fmt.Sprint("Commit ", n.commit), map[string]string{"main.go": changed + "\nvar begun = time.Now().UnixNano()\n"})
	return err
}

// copy puts a file of the example into the repository's working tree.
func (n *numerals) copy(path string, e fs.DirEntry, err error) error {
	if err != nil || e.IsDir() {
		return err
	}
	text, err := os.ReadFile(filepath.Join("examples/go", path))
	if err != nil {
		return err
	}
	to := filepath.Join(n.repo.Dir, path)
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, 0o644))
}

// buildBare runs the recipe's own command on this machine, once for the commit before and then measured for the last one, as
// the build in the platform has it.
func (n *numerals) buildBare(s *series) error {
	for _, commit := range []string{"HEAD~1", "HEAD"} {
		if _, err := n.repo.Git(n.ctx, "checkout", "--quiet", commit, "--", "."); err != nil {
			return err
		}
		cmd := exec.CommandContext(n.ctx, "go", "build", "-o", filepath.Join(n.dir, "server"), ".")
		cmd.Dir = n.repo.Dir
		cmd.Env = append(os.Environ(), "GOCACHE="+n.cache, "GOFLAGS=")
		begin := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
		if commit == "HEAD" {
			s.add(time.Since(begin))
		}
	}
	return nil
}

func (n *numerals) input() *apprunner.CreateServiceInput {
	url, name := n.repo.URL(), fmt.Sprint("numerals-", n.commit)
	return &apprunner.CreateServiceInput{
		ServiceName: &name,
		SourceConfiguration: &types.SourceConfiguration{AutoDeploymentsEnabled: new(false), CodeRepository: &types.CodeRepository{
			RepositoryUrl:     &url,
			SourceCodeVersion: &types.SourceCodeVersion{Type: types.SourceCodeVersionTypeBranch, Value: new("main")},
			CodeConfiguration: &types.CodeConfiguration{ConfigurationSource: types.ConfigurationSourceRepository},
		}},
	}
}

// sources measures on each of the bases.
func (b *bench) sources(rounds, colds int, bases []string) error {
	for _, base := range bases {
		if err := b.source(rounds, colds, base); err != nil {
			return fmt.Errorf("from source on base %s: %w", base, err)
		}
	}
	return nil
}

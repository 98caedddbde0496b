package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// bench is the upstream, and the proxies before it.
type bench struct {
	options
	dir       string
	self      string // this program
	platform  *aprontest.Platform
	hosts     map[bool]string // of the two services, without and with an access log
	namespace string          // of the network in which the upstream is
	peers     []*peer
}

// upstream is where the service listens, in its instance.
const upstream = "127.0.0.1:8080"

// open starts the platform with the service, and then every proxy.
func (b *bench) open(ctx context.Context) (err error) {
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.apron, err = filepath.Abs(b.apron); err != nil {
		return err
	}
	if err := b.startPlatform(ctx); err != nil {
		return err
	}
	if err := b.deploy(ctx); err != nil {
		return fmt.Errorf("deploy the upstream: %w\n%s", err, b.platform.Log())
	}
	if err := b.writeConfigurations(); err != nil {
		return err
	}
	for _, name := range b.options.peers {
		p, err := b.newPeer(name)
		if err != nil {
			return err
		}
		b.peers = append(b.peers, p)
		if err := p.start(ctx); err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
	}
	return nil
}

// startPlatform starts apron on its data, which outlives a stop, and so do the instances.
func (b *bench) startPlatform(ctx context.Context) (err error) {
	data := filepath.Join(b.dir, "data")
	cmd := apart(exec.Command(b.apron, "serve", "--data", data, "--api", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--disk-high", "100"))
	cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", workers))
	b.platform, err = aprontest.Run(ctx, cmd, b.apron, data)
	return err
}

// close ends everything that open started, in whatever state it is.
func (b *bench) close() (err error) {
	for _, p := range b.peers {
		if p.process != nil {
			err = errors.Join(err, p.process.stop())
		}
	}
	if b.platform == nil {
		return err
	}
	end, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return errors.Join(err, b.platform.Stop(end, true))
}

// deploy makes the services and finds the first one's network.
func (b *bench) deploy(ctx context.Context) error {
	program := filepath.Join(b.dir, "origin")
	if err := aprontest.Build(ctx, "./cmd/apron-bench-proxy/origin", program); err != nil {
		return err
	}
	img, err := aprontest.Image(program)
	if err != nil {
		return err
	}
	image, err := b.platform.Push(ctx, img, "origin:1")
	if err != nil {
		return err
	}
	service, err := b.create(ctx, "upstream", image, types.Tag{Key: new("apron:access-log"), Value: new("off")})
	if err != nil {
		return err
	}
	logged, err := b.create(ctx, "upstream-logged", image)
	if err != nil {
		return err
	}
	b.hosts = map[bool]string{false: *service.ServiceUrl, true: *logged.ServiceUrl}
	trace, err := b.platform.Trace(*service.ServiceId)
	if err != nil {
		return err
	}
	pids := trace.PIDs()
	if len(pids) == 0 {
		return errors.New("the upstream's instance has no process")
	}
	b.namespace = fmt.Sprintf("/proc/%d/ns/net", pids[0])
	return b.track(ctx)
}

// track makes the kernel keep watch over the connections in the upstream's network as it does on the machine itself, where
// instances' addresses are translated. That costs about a twentieth of each request, and apron's clients are out there.
func (b *bench) track(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "nsenter", "--net="+b.namespace, "nft", "--file", "-")
	cmd.Stdin = strings.NewReader("table ip bench { chain postrouting { type nat hook postrouting priority srcnat; ip saddr 192.0.2.0/24 masquerade; }; }\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w\n%s", err, out)
	}
	return nil
}

// create makes a service that has one instance in all, with as much CPU as the machine that docs/benchmarks.md is of. It
// keeps its CPU when it idles, because the other proxies' requests to it are none that apron sees.
func (b *bench) create(ctx context.Context, name, image string, tags ...types.Tag) (*types.Service, error) {
	client := b.platform.Client()
	scaling, err := client.CreateAutoScalingConfiguration(ctx, &apprunner.CreateAutoScalingConfigurationInput{
		AutoScalingConfigurationName: new(name), MaxConcurrency: new(int32(200)), MinSize: new(int32(1)), MaxSize: new(int32(1)),
	})
	if err != nil {
		return nil, err
	}
	out, err := client.CreateService(ctx, &apprunner.CreateServiceInput{
		ServiceName: &name,
		SourceConfiguration: &types.SourceConfiguration{ImageRepository: &types.ImageRepository{
			ImageIdentifier: &image, ImageRepositoryType: types.ImageRepositoryTypeEcr,
		}},
		InstanceConfiguration:       &types.InstanceConfiguration{Cpu: new("2 vCPU"), Memory: new("4 GB")},
		AutoScalingConfigurationArn: scaling.AutoScalingConfiguration.AutoScalingConfigurationArn,
		Tags:                        append(tags, types.Tag{Key: new("apron:cpu-idle"), Value: new("always")}),
	})
	if err != nil {
		return nil, err
	}
	if err := aprontest.Succeed(ctx, client, *out.Service.ServiceArn, out.OperationId); err != nil {
		return nil, err
	}
	return out.Service, b.greets(*out.Service.ServiceUrl)
}

// greets finds out whether the service answers what it should.
func (b *bench) greets(host string) error {
	resp, err := b.platform.HTTP().Get("http://" + host + "/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", host, resp.Status)
	}
	return nil
}

// host is the Host that all requests have, with the port of apron's edge.
func (b *bench) host(logged bool) string { return b.hosts[logged] }

// hostname is the name in the certificates.
func (b *bench) hostname() string {
	name, _, _ := strings.Cut(b.hosts[false], ":")
	return name
}

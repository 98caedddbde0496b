package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"apron/api"
	"apron/aprontest"
)

// crowd is a server with many paused services, and what was measured of it.
type crowd struct {
	services int
	platform *aprontest.Platform

	began, resumed time.Duration // until it answered: after an ordered end, and after kill -9
	rss, loaded    int64         // resident memory in bytes: idle after the start, and after all load

	figures []*figure
}

// figure is one action asked for many times.
type figure struct {
	action   string
	requests []request

	rates          []float64 // answers a second, of each turn
	took           []time.Duration
	server, client time.Duration // CPU
}

// scale compares servers with different numbers of services: they all run, and are asked in turns.
func (b *bench) scale(sizes []int, turns int, turn time.Duration) (err error) {
	var crowds []*crowd
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 2*time.Minute)
		defer cancel()
		for _, c := range crowds {
			err = errors.Join(err, c.platform.Stop(end, true))
		}
	}()
	for _, n := range sizes {
		c := &crowd{services: n}
		if err := b.gather(c); err != nil {
			return fmt.Errorf("%d services: %w", n, err)
		}
		crowds = append(crowds, c)
	}
	for i := range turns + 1 { // the first one only warms up
		for action := range crowds[0].figures {
			for _, c := range crowds {
				if err := c.measure(b.ctx, c.figures[action], turn, i > 0); err != nil {
					return fmt.Errorf("%s with %d services: %w\n%s", c.figures[action].action, c.services, err, lastLines(c.platform.Log()))
				}
			}
		}
	}
	return b.printScale(crowds, turns, turn)
}

// gather starts a server that has the services.
func (b *bench) gather(c *crowd) error {
	data := filepath.Join(b.dir, fmt.Sprintf("scale-%d", c.services))
	if err := b.prepare(data, c.services); err != nil {
		return err
	}
	begin := time.Now()
	p, err := aprontest.Start(b.ctx, b.apron, data, nil, "--verbose=false")
	c.began = time.Since(begin)
	if err != nil {
		return err
	}
	if err := p.Kill(); err != nil {
		return err
	}
	begin = time.Now()
	if c.platform, err = aprontest.Start(b.ctx, b.apron, data, nil, "--verbose=false"); err != nil {
		return err
	}
	c.resumed = time.Since(begin)
	time.Sleep(settle)
	if c.rss, err = c.platform.RSS(); err == nil {
		err = c.prepareLoad(b.ctx)
	}
	if err != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, c.platform.Stop(end, true))
	}
	return err
}

// prepare makes a data directory with the services: one that was created and paused through the API, and its copies.
func (b *bench) prepare(data string, services int) error {
	p, err := aprontest.Start(b.ctx, b.apron, data, nil)
	if err != nil {
		return err
	}
	b.platform, b.client, b.http = p, p.Client(), p.HTTP()
	err = b.push()
	if err == nil {
		_, err = b.rssWithPaused(0, 1)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), time.Minute)
	defer cancel()
	if err := errors.Join(err, p.Stop(end, false)); err != nil {
		return err
	}
	return fill(b.ctx, filepath.Join(data, "apron.db"), services)
}

// variety is how many different requests of each action are sent, as far as there are services: more than fit into any
// cache of the database, so that a large one is read where it is.
const variety = 4096

// prepareLoad makes the requests, for services and pages that lie anywhere in the list.
func (c *crowd) prepareLoad(ctx context.Context) error {
	arns, tokens, err := c.walk(ctx)
	if err != nil {
		return err
	}
	var describe, list, pause []string
	for range min(variety, 2*c.services) {
		describe = append(describe, fmt.Sprintf(`{"ServiceArn":%q}`, arns[rand.IntN(len(arns))]))
		pause = append(pause, fmt.Sprintf(`{"ServiceArn":%q}`, arns[rand.IntN(len(arns))]))
		list = append(list, tokens[rand.IntN(len(tokens))])
	}
	for _, f := range []struct {
		action string
		bodies []string
	}{{"DescribeService", describe}, {"ListServices", list}, {"PauseService", pause}} {
		made := &figure{action: f.action}
		for _, body := range f.bodies {
			r, err := sign(ctx, c.platform, f.action, body)
			if err != nil {
				return err
			}
			made.requests = append(made.requests, r)
		}
		c.figures = append(c.figures, made)
	}
	return nil
}

// pageSize is how many services ListServices is asked for.
const pageSize = 20

// walk lists all services, and the body of the request for every page. It does without AWS's SDK for Go, which now and
// then closes the connection on a long answer.
func (c *crowd) walk(ctx context.Context) (arns, pages []string, err error) {
	conn, err := dial(ctx, c.platform)
	if err != nil {
		return nil, nil, err
	}
	defer conn.conn.Close()
	for page := fmt.Sprintf(`{"MaxResults":%d}`, pageSize); page != ""; {
		pages = append(pages, page)
		var out api.ListServicesResponse
		if err := conn.call(ctx, c.platform, "ListServices", page, &out); err != nil {
			return nil, nil, err
		}
		for _, s := range out.ServiceSummaryList {
			arns = append(arns, *s.ServiceArn)
		}
		page = ""
		if out.NextToken != nil {
			page = fmt.Sprintf(`{"MaxResults":%d,"NextToken":%q}`, pageSize, *out.NextToken)
		}
	}
	if len(arns) != c.services {
		return nil, nil, fmt.Errorf("%d services are listed", len(arns))
	}
	return arns, pages, nil
}

// measure sends the figure's requests for a while.
func (c *crowd) measure(ctx context.Context, f *figure, d time.Duration, counts bool) error {
	server, err := c.platform.CPU()
	if err != nil {
		return err
	}
	begin, own := time.Now(), ownCPU()
	took, err := load(ctx, c.platform, f.requests, d)
	if err != nil {
		return err
	}
	elapsed, used := time.Since(begin), ownCPU()-own
	after, err := c.platform.CPU()
	if err == nil && counts {
		f.took = append(f.took, took...)
		f.rates = append(f.rates, float64(len(took))/elapsed.Seconds())
		f.server += after - server
		f.client += used
	}
	if err == nil {
		c.loaded, err = c.platform.RSS()
	}
	return err
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it has no way to fail with these arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *bench) printScale(crowds []*crowd, turns int, turn time.Duration) error {
	fmt.Printf("\n| %d connections, %d turns of %v | services | requests/s | median ms | p99 ms | server CPU µs | client CPU µs |\n", clients, turns, turn)
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
	for action := range crowds[0].figures {
		for _, c := range crowds {
			f := c.figures[action]
			s, n := series{times: f.took}, time.Duration(len(f.took))
			slices.Sort(f.rates)
			fmt.Printf("| (g) %s | %d | %.0f | %.2f | %.2f | %.0f | %.0f |\n", f.action, c.services, f.rates[len(f.rates)/2],
				ms(s.at(0.5)), ms(s.at(0.99)), 1000*ms(f.server/n), 1000*ms(f.client/n))
		}
	}
	fmt.Println("\n| (h) server | services | start ms | start after kill -9 ms | resident MiB, idle | after the load |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: |")
	for _, c := range crowds {
		fmt.Printf("| | %d | %.0f | %.0f | %.1f | %.1f |\n", c.services, ms(c.began), ms(c.resumed), mib(c.rss), mib(c.loaded))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

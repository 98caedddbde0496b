package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// idleTimeout is the shortest that a service can have.
const idleTimeout = "1s"

// wake measures what the request gets that wakes a service: one service at a time, in turns with the program started bare, and
// then many services at once.
func (b *bench) wake(rounds, many, bursts int) error {
	one, err := b.createSleeper("woken")
	if err != nil {
		return err
	}
	woken, bare := series{name: "(l) request that wakes a service: call to its 200"}, series{name: "    the same program bare, polled alike"}
	for range rounds {
		if err := b.awaitAsleep(); err != nil {
			return err
		}
		time.Sleep(rest)
		took, err := b.ask(b.http, one)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, lastLines(b.platform.Log()))
		}
		woken.add(took)
		time.Sleep(rest)
		if took, err = b.bare(nil); err != nil {
			return err
		}
		bare.add(took)
	}
	b.rows = []*series{&woken, &bare}
	if err := b.print(); err != nil {
		return err
	}
	fmt.Printf("\n(l) p99 is %.1f ms, %.2f times the median\n", ms(woken.at(0.99)), float64(woken.at(0.99))/float64(woken.at(0.5)))
	return b.wakeMany(one, many, bursts)
}

// wakeMany wakes that many services with one request each, all at once.
func (b *bench) wakeMany(first string, many, bursts int) error {
	urls := []string{first}
	for i := 1; i < many; i++ {
		url, err := b.createSleeper(fmt.Sprintf("one-of-many-%02d", i))
		if err != nil {
			return err
		}
		urls = append(urls, url)
	}
	all := series{name: fmt.Sprintf("(m) each of %d services woken at once", many)}
	last := series{name: "    until the last of them has answered"}
	for range bursts {
		if err := b.awaitAsleep(); err != nil {
			return err
		}
		time.Sleep(rest)
		took, err := b.askAll(urls)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, lastLines(b.platform.Log()))
		}
		all.times = append(all.times, took...)
		last.add(series{times: took}.most())
	}
	b.rows = []*series{&all, &last}
	fmt.Println()
	return b.print()
}

func (s series) most() time.Duration { return s.at(1) }

func (b *bench) askAll(urls []string) ([]time.Duration, error) {
	took, errs := make([]time.Duration, len(urls)), make([]error, len(urls))
	var group sync.WaitGroup
	for i, url := range urls {
		group.Go(func() { took[i], errs[i] = b.ask(b.http, url) })
	}
	group.Wait()
	return took, errors.Join(errs...)
}

// ask sends one request, over a connection that is new after every sleep.
func (b *bench) ask(client *http.Client, url string) (time.Duration, error) {
	begin := time.Now()
	resp, err := client.Get("http://" + url + "/")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return time.Since(begin), nil
}

func (b *bench) createSleeper(name string) (url string, err error) {
	in := b.input(name)
	in.Tags = []types.Tag{{Key: new("apron:idle-timeout"), Value: new(idleTimeout)}}
	out, err := b.client.CreateService(b.ctx, in)
	if err != nil {
		return "", err
	}
	return *out.Service.ServiceUrl, aprontest.Succeed(b.ctx, b.client, *out.Service.ServiceArn, out.OperationId)
}

// awaitAsleep waits until no service has an instance.
func (b *bench) awaitAsleep() error {
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		left, err := os.ReadDir(filepath.Join(b.dir, "wake", "driver", "instances"))
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		if b.ctx.Err() != nil {
			return context.Cause(b.ctx)
		}
	}
	return errors.New("services are awake after a minute without requests")
}

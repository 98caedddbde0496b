package store_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"apron/api"
	"apron/store"
)

// paused is a service as a create and a pause through the API leave it, in all that a read costs.
func paused(name string) (store.Service, store.Operation) {
	svc := service(name)
	s := &svc.Service
	s.Status, s.ServiceUrl = api.StatusPaused, new("abcdefghij.us-east-1.apron.localhost:8080")
	s.SourceConfiguration = &api.SourceConfiguration{AutoDeploymentsEnabled: new(true), ImageRepository: &api.ImageRepository{
		ImageIdentifier: "127.0.0.1:4080/hello:1", ImageRepositoryType: api.ImageRepositoryECR,
		ImageConfiguration: &api.ImageConfiguration{Port: new("8080")},
	}}
	s.InstanceConfiguration = &api.InstanceConfiguration{Cpu: new("1024"), Memory: new("2048")}
	s.HealthCheckConfiguration = &api.HealthCheckConfiguration{
		Protocol: new(api.HealthCheckTCP), Path: new("/"), Interval: new(5), Timeout: new(2), HealthyThreshold: new(1), UnhealthyThreshold: new(5),
	}
	s.NetworkConfiguration = &api.NetworkConfiguration{
		EgressConfiguration:  &api.EgressConfiguration{EgressType: new(api.EgressDefault)},
		IngressConfiguration: &api.IngressConfiguration{IsPubliclyAccessible: new(true)},
		IpAddressType:        new(api.IpAddressIPv4),
	}
	s.ObservabilityConfiguration = &api.ServiceObservabilityConfiguration{}
	s.AutoScalingConfigurationSummary = &api.AutoScalingConfigurationSummary{
		AutoScalingConfigurationArn:      new("arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/DefaultConfiguration/1/00000000000000000000000000000001"),
		AutoScalingConfigurationName:     new("DefaultConfiguration"),
		AutoScalingConfigurationRevision: new(1),
	}
	op := operation(s.ServiceArn)
	op.Summary.EndedAt, op.Summary.Status = new(api.At(time.Now())), new(api.OperationSucceeded)
	op.Target = &store.Deployment{ID: op.ID(), Image: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Config: *s}
	svc.Deployed = op.Target
	return svc, op
}

// crowd makes a database with n paused services and returns its path and their ARNs.
func crowd(b *testing.B, n int) (path string, arns []string) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "apron.db")
	s, err := store.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	err = s.Update(b.Context(), func(tx *store.Tx) error {
		for i := range n {
			svc, op := paused(fmt.Sprintf("paused-%06d", i))
			arns = append(arns, svc.Service.ServiceArn)
			if err := tx.PutService(svc); err != nil {
				return err
			}
			if err := tx.PutOperation(op); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return path, arns
}

// BenchmarkStore compares what a read costs with one service and with very many.
func BenchmarkStore(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		path, arns := crowd(b, n)
		s, err := store.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		read := func(f func(*store.Tx) error) func(*testing.B) {
			return func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Read(b.Context(), f); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		b.Run(fmt.Sprintf("Service/%d", n), read(func(tx *store.Tx) error {
			_, err := tx.Service(arns[rand.IntN(n)])
			return err
		}))
		b.Run(fmt.Sprintf("ServiceShown/%d", n), read(func(tx *store.Tx) error {
			_, err := tx.ServiceShown(arns[rand.IntN(n)])
			return err
		}))
		b.Run(fmt.Sprintf("Summaries/%d", n), read(func(tx *store.Tx) error {
			_, err := tx.Summaries(account, region, rand.Int64N(int64(n)), 20)
			return err
		}))
		b.Run(fmt.Sprintf("Open/%d", n), func(b *testing.B) {
			for b.Loop() {
				s, err := store.Open(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

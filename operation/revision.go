package operation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"apron/api"
	"apron/build"
	"apron/fleet"
	"apron/logs"
	"apron/store"
)

// Revision is what fleet keeps running for a deployment. control has checked every value that it is made from, or the build
// has.
func Revision(d store.Deployment) (fleet.Revision, error) {
	rev, err := process(d)
	if err != nil {
		return fleet.Revision{}, err
	}
	cpu, err := strconv.Atoi(*d.Config.InstanceConfiguration.Cpu)
	if err != nil {
		return fleet.Revision{}, fmt.Errorf("CPU %q is not a number of units", *d.Config.InstanceConfiguration.Cpu)
	}
	memory, err := strconv.Atoi(*d.Config.InstanceConfiguration.Memory)
	if err != nil {
		return fleet.Revision{}, fmt.Errorf("memory %q is not a number of MB", *d.Config.InstanceConfiguration.Memory)
	}
	rev.Service, rev.ID, rev.Image = d.Config.ServiceId, d.ID, d.Image
	rev.CPU, rev.Memory = cpu, memory
	rev.Size, rev.MaxSize, _ = d.Scaling()
	rev.Health, rev.NoEgress = health(d.Config.HealthCheckConfiguration), !egress(d.Config)
	return rev, nil
}

// process is the part of the revision that says what is started, and how.
func process(d store.Deployment) (rev fleet.Revision, err error) {
	if fromSource(&d) {
		return builtProcess(d)
	}
	image := d.Config.SourceConfiguration.ImageRepository.ImageConfiguration
	if rev.Port, err = strconv.Atoi(*image.Port); err != nil {
		return rev, fmt.Errorf("port %q is not a number", *image.Port)
	}
	rev.Env = environment(rev.Port, image.RuntimeEnvironmentVariables)
	if image.StartCommand != nil {
		rev.Command, err = fleet.Command(*image.StartCommand, rev.Env)
	}
	return rev, err
}

// builtProcess is process for what was built from source: the image's own configuration has the directory it starts in.
func builtProcess(d store.Deployment) (rev fleet.Revision, err error) {
	if d.Run == nil {
		return rev, fmt.Errorf("deployment %s has no start command: it was not built", d.ID)
	}
	rev.Command, rev.Port, rev.Host = build.Command(d.Run.Command), d.Run.Port, d.Run.Host
	rev.Env = environment(rev.Port, d.Run.Env)
	if d.Run.PortEnv != "" {
		rev.Env = append(rev.Env, d.Run.PortEnv+"="+strconv.Itoa(rev.Port))
	}
	return rev, nil
}

// egress tells whether instances reach the outside. What a VPC connector leads to is not built yet, and traffic that was
// to stay in a network of its owner's must not go anywhere else.
func egress(s api.Service) bool {
	n := s.NetworkConfiguration
	return n == nil || n.EgressConfiguration == nil || *n.EgressConfiguration.EgressType != api.EgressVPC
}

// environment is what the service's owner set, sorted, and PORT, which nobody can override.
func environment(port int, variables map[string]string) []string {
	env := make([]string, 0, len(variables)+1)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		env = append(env, name+"="+variables[name])
	}
	return append(env, "PORT="+strconv.Itoa(port))
}

func health(c *api.HealthCheckConfiguration) fleet.Health {
	return fleet.Health{
		Protocol:           fleet.Protocol(*c.Protocol),
		Path:               *c.Path,
		Interval:           time.Duration(*c.Interval) * time.Second,
		Timeout:            time.Duration(*c.Timeout) * time.Second,
		HealthyThreshold:   *c.HealthyThreshold,
		UnhealthyThreshold: *c.UnhealthyThreshold,
	}
}

func healthCheckText(rev fleet.Revision) string {
	return logs.HealthCheck(string(rev.Health.Protocol), rev.Health.Path, strconv.Itoa(rev.Port))
}

// Hosts are the names under which everybody reaches a service: none of a private one.
func Hosts(s api.Service) []string {
	if s.ServiceUrl == nil || !public(s) {
		return nil
	}
	return []string{*s.ServiceUrl}
}

func public(s api.Service) bool {
	n := s.NetworkConfiguration
	return n == nil || n.IngressConfiguration == nil || *n.IngressConfiguration.IsPubliclyAccessible
}

// unserved says of each setting that is kept and not acted on what it does not do, for the deployment's log.
func unserved(s api.Service) (lines []string) {
	if !egress(s) {
		lines = append(lines, "EgressType is VPC: instances reach nothing outside, because VPC connectors lead nowhere yet.")
	}
	if !public(s) {
		lines = append(lines, "The service is private: its URL answers 404, because there is no private way to it yet.")
	}
	if o := s.ObservabilityConfiguration; o != nil && o.ObservabilityEnabled {
		lines = append(lines, "Tracing is enabled: nothing collects traces yet.")
	}
	return lines
}

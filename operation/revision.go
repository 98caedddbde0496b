package operation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"apron/api"
	"apron/fleet"
	"apron/logs"
	"apron/store"
)

// Revision is what fleet keeps running for a deployment. control has checked every value that it is made from.
func Revision(d store.Deployment) (fleet.Revision, error) {
	image := d.Config.SourceConfiguration.ImageRepository.ImageConfiguration
	port, err := strconv.Atoi(*image.Port)
	if err != nil {
		return fleet.Revision{}, fmt.Errorf("port %q is not a number", *image.Port)
	}
	env := environment(*image.Port, image.RuntimeEnvironmentVariables)
	var command []string
	if image.StartCommand != nil {
		if command, err = fleet.Command(*image.StartCommand, env); err != nil {
			return fleet.Revision{}, err
		}
	}
	cpu, err := strconv.Atoi(*d.Config.InstanceConfiguration.Cpu)
	if err != nil {
		return fleet.Revision{}, fmt.Errorf("CPU %q is not a number of units", *d.Config.InstanceConfiguration.Cpu)
	}
	memory, err := strconv.Atoi(*d.Config.InstanceConfiguration.Memory)
	if err != nil {
		return fleet.Revision{}, fmt.Errorf("memory %q is not a number of MB", *d.Config.InstanceConfiguration.Memory)
	}
	return fleet.Revision{
		Service: d.Config.ServiceId,
		ID:      d.ID,
		Image:   d.Image,
		Command: command,
		Env:     env,
		CPU:     cpu,
		Memory:  memory,
		Port:    port,
		Health:  health(d.Config.HealthCheckConfiguration),
		Size:    max(d.MinSize, 1),

		NoEgress: !egress(d.Config),
	}, nil
}

// egress tells whether instances reach the outside. What a VPC connector leads to is not built yet, and traffic that was
// to stay in a network of its owner's must not go anywhere else.
func egress(s api.Service) bool {
	n := s.NetworkConfiguration
	return n == nil || n.EgressConfiguration == nil || *n.EgressConfiguration.EgressType != api.EgressVPC
}

// environment is what the service's owner set, sorted, and PORT, which nobody can override.
func environment(port string, variables map[string]string) []string {
	env := make([]string, 0, len(variables)+1)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		env = append(env, name+"="+variables[name])
	}
	return append(env, "PORT="+port)
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

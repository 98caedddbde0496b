package control

import (
	"cmp"

	"apron/api"
)

// complete fills in App Runner's defaults (App Runner API reference, section 3.1) and brings CPU and memory into the form
// that App Runner always echoes.
func complete(caller api.Caller, s *api.Service) {
	completeSource(caller, s.SourceConfiguration)
	s.InstanceConfiguration = cmp.Or(s.InstanceConfiguration, &api.InstanceConfiguration{})
	s.InstanceConfiguration.Cpu = new(units(s.InstanceConfiguration.Cpu, "1024", cpuUnits))
	s.InstanceConfiguration.Memory = new(units(s.InstanceConfiguration.Memory, "2048", memoryMB))

	s.HealthCheckConfiguration = cmp.Or(s.HealthCheckConfiguration, &api.HealthCheckConfiguration{})
	h := s.HealthCheckConfiguration
	h.Protocol = cmp.Or(h.Protocol, new(api.HealthCheckTCP))
	h.Path = cmp.Or(h.Path, new("/"))
	h.Interval = cmp.Or(h.Interval, new(5))
	h.Timeout = cmp.Or(h.Timeout, new(2))
	h.HealthyThreshold = cmp.Or(h.HealthyThreshold, new(1))
	h.UnhealthyThreshold = cmp.Or(h.UnhealthyThreshold, new(5))

	s.NetworkConfiguration = cmp.Or(s.NetworkConfiguration, &api.NetworkConfiguration{})
	n := s.NetworkConfiguration
	n.EgressConfiguration = cmp.Or(n.EgressConfiguration, &api.EgressConfiguration{})
	n.EgressConfiguration.EgressType = cmp.Or(n.EgressConfiguration.EgressType, new(api.EgressDefault))
	n.IngressConfiguration = cmp.Or(n.IngressConfiguration, &api.IngressConfiguration{IsPubliclyAccessible: new(true)})
	// The Go SDK leaves a false out, so that an empty IngressConfiguration is a private service.
	n.IngressConfiguration.IsPubliclyAccessible = cmp.Or(n.IngressConfiguration.IsPubliclyAccessible, new(false))
	n.IpAddressType = cmp.Or(n.IpAddressType, new(api.IpAddressIPv4))

	s.ObservabilityConfiguration = cmp.Or(s.ObservabilityConfiguration, &api.ServiceObservabilityConfiguration{})
	if o := s.ObservabilityConfiguration; o.ObservabilityEnabled {
		o.ObservabilityConfigurationArn = cmp.Or(o.ObservabilityConfigurationArn, new(usualObservability(caller)))
	}
}

// completeSource leaves alone what check refuses.
func completeSource(caller api.Caller, s *api.SourceConfiguration) {
	if image := s.ImageRepository; image != nil {
		image.ImageConfiguration = cmp.Or(image.ImageConfiguration, &api.ImageConfiguration{})
		c := image.ImageConfiguration
		c.Port = cmp.Or(c.Port, new("8080"))
		dropEmpty(&c.RuntimeEnvironmentVariables, &c.RuntimeEnvironmentSecrets)
	}
	if code := s.CodeRepository; code != nil {
		code.SourceDirectory = cmp.Or(code.SourceDirectory, new("/"))
	}
	if v := valuesOf(s.CodeRepository); v != nil {
		v.Port = cmp.Or(v.Port, new("8080"))
		dropEmpty(&v.RuntimeEnvironmentVariables, &v.RuntimeEnvironmentSecrets)
	}
	s.AutoDeploymentsEnabled = cmp.Or(s.AutoDeploymentsEnabled, new(autoDeploys(caller, s)))
}

// dropEmpty makes maps that are empty absent: clients leave them out, and are to find them left out.
func dropEmpty(maps ...*map[string]string) {
	for _, m := range maps {
		if len(*m) == 0 {
			*m = nil
		}
	}
}

// cpuUnits and memoryMB turn the forms with a unit into the ones without, which are those that App Runner answers with.
var (
	cpuUnits = map[string]string{
		"0.25 vCPU": "256", "0.5 vCPU": "512", "1 vCPU": "1024", "2 vCPU": "2048", "4 vCPU": "4096",
	}
	memoryMB = map[string]string{
		"0.5 GB": "512", "1 GB": "1024", "2 GB": "2048", "3 GB": "3072", "4 GB": "4096",
		"6 GB": "6144", "8 GB": "8192", "10 GB": "10240", "12 GB": "12288",
	}
)

func units(given *string, def string, forms map[string]string) string {
	if given == nil {
		return def
	}
	return cmp.Or(forms[*given], *given)
}

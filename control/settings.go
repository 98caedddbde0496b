package control

import (
	"cmp"

	"apron/api"
)

// settings makes a new service's configuration: what the request says, App Runner's defaults for the rest, all of it
// echoed in full and in normal form, because Terraform plans a change for whatever differs.
func settings(caller api.Caller, in *api.CreateServiceRequest) (api.Service, error) {
	s := api.Service{
		SourceConfiguration:             in.SourceConfiguration,
		InstanceConfiguration:           in.InstanceConfiguration,
		EncryptionConfiguration:         in.EncryptionConfiguration,
		HealthCheckConfiguration:        in.HealthCheckConfiguration,
		AutoScalingConfigurationSummary: defaultAutoScaling(caller),
		NetworkConfiguration:            in.NetworkConfiguration,
		ObservabilityConfiguration:      in.ObservabilityConfiguration,
	}
	if err := checkAutoScaling(caller, in.AutoScalingConfigurationArn); err != nil {
		return s, err
	}
	complete(&s)
	return s, check(&s)
}

// merge lays the settings that an update gives over those the service has, member by member; members that are not
// given stay as they are (docs/divergences.md).
func merge(caller api.Caller, s *api.Service, in *api.UpdateServiceRequest) error {
	if err := checkAutoScaling(caller, in.AutoScalingConfigurationArn); err != nil {
		return err
	}
	if err := checkSameSource(s.SourceConfiguration, in.SourceConfiguration); err != nil {
		return err
	}
	mergeSource(s.SourceConfiguration, in.SourceConfiguration)
	if c := in.InstanceConfiguration; c != nil {
		over(&s.InstanceConfiguration.Cpu, c.Cpu)
		over(&s.InstanceConfiguration.Memory, c.Memory)
		over(&s.InstanceConfiguration.InstanceRoleArn, c.InstanceRoleArn)
	}
	if c := in.HealthCheckConfiguration; c != nil {
		over(&s.HealthCheckConfiguration.Protocol, c.Protocol)
		over(&s.HealthCheckConfiguration.Path, c.Path)
		over(&s.HealthCheckConfiguration.Interval, c.Interval)
		over(&s.HealthCheckConfiguration.Timeout, c.Timeout)
		over(&s.HealthCheckConfiguration.HealthyThreshold, c.HealthyThreshold)
		over(&s.HealthCheckConfiguration.UnhealthyThreshold, c.UnhealthyThreshold)
	}
	if c := in.NetworkConfiguration; c != nil {
		over(&s.NetworkConfiguration.EgressConfiguration, c.EgressConfiguration)
		over(&s.NetworkConfiguration.IngressConfiguration, c.IngressConfiguration)
		over(&s.NetworkConfiguration.IpAddressType, c.IpAddressType)
	}
	over(&s.ObservabilityConfiguration, in.ObservabilityConfiguration)
	complete(s)
	return check(s)
}

func mergeSource(s, in *api.SourceConfiguration) {
	if in == nil {
		return
	}
	over(&s.AutoDeploymentsEnabled, in.AutoDeploymentsEnabled)
	over(&s.AuthenticationConfiguration, in.AuthenticationConfiguration)
	repository := in.ImageRepository
	if repository == nil {
		return
	}
	s.ImageRepository.ImageIdentifier = repository.ImageIdentifier
	s.ImageRepository.ImageRepositoryType = repository.ImageRepositoryType
	if c := repository.ImageConfiguration; c != nil {
		mergeImage(s.ImageRepository.ImageConfiguration, c)
	}
}

func mergeImage(s, in *api.ImageConfiguration) {
	over(&s.Port, in.Port)
	over(&s.StartCommand, in.StartCommand)
	if in.RuntimeEnvironmentVariables != nil {
		s.RuntimeEnvironmentVariables = in.RuntimeEnvironmentVariables
	}
	if in.RuntimeEnvironmentSecrets != nil {
		s.RuntimeEnvironmentSecrets = in.RuntimeEnvironmentSecrets
	}
}

// over replaces what is set by what is given, if anything is.
func over[T any](set **T, given *T) {
	if given != nil {
		*set = given
	}
}

// complete fills in App Runner's defaults and brings CPU and memory into the form that App Runner always echoes.
func complete(s *api.Service) {
	completeSource(s.SourceConfiguration)
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
}

func completeSource(s *api.SourceConfiguration) {
	repository := s.ImageRepository
	if repository == nil {
		return // check refuses it
	}
	repository.ImageConfiguration = cmp.Or(repository.ImageConfiguration, &api.ImageConfiguration{})
	repository.ImageConfiguration.Port = cmp.Or(repository.ImageConfiguration.Port, new("8080"))
	private := repository.ImageRepositoryType == api.ImageRepositoryECR
	s.AutoDeploymentsEnabled = cmp.Or(s.AutoDeploymentsEnabled, &private)
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

// defaultAutoScaling is the configuration that App Runner gives to every account: up to 100 requests at once an
// instance, from 1 to 25 instances.
func defaultAutoScaling(caller api.Caller) *api.AutoScalingConfigurationSummary {
	arn := api.ARN{
		Region: caller.Region, Account: caller.Account, Kind: api.ResourceAutoScalingConfiguration,
		Name: "DefaultConfiguration", Revision: 1, ID: "00000000000000000000000000000001",
	}
	return &api.AutoScalingConfigurationSummary{
		AutoScalingConfigurationArn:      new(arn.String()),
		AutoScalingConfigurationName:     &arn.Name,
		AutoScalingConfigurationRevision: &arn.Revision,
	}
}

package control

import (
	"cmp"

	"apron/api"
	"apron/store"
)

// settings makes a new service's configuration: what the request says, App Runner's defaults for the rest, all of it
// echoed in full and in normal form, because Terraform plans a change for whatever differs.
func (c *Control) settings(tx *store.Tx, caller api.Caller, in *api.CreateServiceRequest) (api.Service, error) {
	s := api.Service{
		SourceConfiguration:        in.SourceConfiguration,
		InstanceConfiguration:      in.InstanceConfiguration,
		EncryptionConfiguration:    in.EncryptionConfiguration,
		HealthCheckConfiguration:   in.HealthCheckConfiguration,
		NetworkConfiguration:       in.NetworkConfiguration,
		ObservabilityConfiguration: in.ObservabilityConfiguration,
	}
	complete(caller, &s)
	var f faults
	if code := s.SourceConfiguration.CodeRepository; code != nil && code.CodeConfiguration == nil {
		f.add("CodeRepository has no CodeConfiguration, which a new service needs. Give one with ConfigurationSource API or REPOSITORY.")
	}
	if err := f.take(checkServiceTags(in.Tags)); err != nil {
		return s, err
	}
	if err := scale(tx, caller, &s, in.AutoScalingConfigurationArn, &f); err != nil {
		return s, err
	}
	return s, c.check(tx, caller, &s, &f)
}

// merge lays the settings that an update gives over those the service has, member by member; members that are not
// given stay as they are (docs/divergences.md).
func (c *Control) merge(tx *store.Tx, caller api.Caller, s *api.Service, in *api.UpdateServiceRequest) error {
	var f faults
	mergeSource(&f, s.SourceConfiguration, in.SourceConfiguration)
	if c := in.InstanceConfiguration; c != nil {
		over(&s.InstanceConfiguration.Cpu, c.Cpu)
		over(&s.InstanceConfiguration.Memory, c.Memory)
		over(&s.InstanceConfiguration.InstanceRoleArn, c.InstanceRoleArn)
	}
	mergeHealth(s.HealthCheckConfiguration, in.HealthCheckConfiguration)
	mergeNetwork(s.NetworkConfiguration, in.NetworkConfiguration)
	mergeObservability(s.ObservabilityConfiguration, in.ObservabilityConfiguration)
	complete(caller, s)
	if err := scale(tx, caller, s, in.AutoScalingConfigurationArn, &f); err != nil {
		return err
	}
	return c.check(tx, caller, s, &f)
}

func mergeHealth(s, in *api.HealthCheckConfiguration) {
	if in == nil {
		return
	}
	over(&s.Protocol, in.Protocol)
	over(&s.Path, in.Path)
	over(&s.Interval, in.Interval)
	over(&s.Timeout, in.Timeout)
	over(&s.HealthyThreshold, in.HealthyThreshold)
	over(&s.UnhealthyThreshold, in.UnhealthyThreshold)
}

// mergeNetwork lets go of the connector when an update turns to the default way out: the two exclude each other. An empty
// IngressConfiguration is a private service, as in complete.
func mergeNetwork(s, in *api.NetworkConfiguration) {
	if in == nil {
		return
	}
	if c := in.EgressConfiguration; c != nil {
		if c.EgressType != nil && *c.EgressType == api.EgressDefault {
			s.EgressConfiguration.VpcConnectorArn = nil
		}
		over(&s.EgressConfiguration.EgressType, c.EgressType)
		over(&s.EgressConfiguration.VpcConnectorArn, c.VpcConnectorArn)
	}
	over(&s.IngressConfiguration, in.IngressConfiguration)
	over(&s.IpAddressType, in.IpAddressType)
}

// mergeObservability keeps the configuration that a service is observed by as long as it is observed.
func mergeObservability(s, in *api.ServiceObservabilityConfiguration) {
	if in == nil {
		return
	}
	s.ObservabilityEnabled = in.ObservabilityEnabled
	if in.ObservabilityConfigurationArn != nil || !in.ObservabilityEnabled {
		s.ObservabilityConfigurationArn = in.ObservabilityConfigurationArn
	}
}

func mergeSource(f *faults, s, in *api.SourceConfiguration) {
	if in == nil {
		return
	}
	over(&s.AutoDeploymentsEnabled, in.AutoDeploymentsEnabled)
	if auth := in.AuthenticationConfiguration; auth != nil {
		s.AuthenticationConfiguration = cmp.Or(s.AuthenticationConfiguration, &api.AuthenticationConfiguration{})
		over(&s.AuthenticationConfiguration.ConnectionArn, auth.ConnectionArn)
		over(&s.AuthenticationConfiguration.AccessRoleArn, auth.AccessRoleArn)
	}
	switch {
	case in.CodeRepository != nil && s.CodeRepository == nil:
		f.add("An update can't switch a service from ImageRepository to CodeRepository. Create another service for it.")
	case in.ImageRepository != nil && s.ImageRepository == nil:
		f.add("An update can't switch a service from CodeRepository to ImageRepository. Create another service for it.")
	case in.ImageRepository != nil:
		mergeImage(s.ImageRepository, in.ImageRepository)
	case in.CodeRepository != nil:
		mergeCode(s.CodeRepository, in.CodeRepository)
	}
}

func mergeImage(s, in *api.ImageRepository) {
	s.ImageIdentifier, s.ImageRepositoryType = in.ImageIdentifier, in.ImageRepositoryType
	if c := in.ImageConfiguration; c != nil {
		over(&s.ImageConfiguration.Port, c.Port)
		over(&s.ImageConfiguration.StartCommand, c.StartCommand)
		overMap(&s.ImageConfiguration.RuntimeEnvironmentVariables, c.RuntimeEnvironmentVariables)
		overMap(&s.ImageConfiguration.RuntimeEnvironmentSecrets, c.RuntimeEnvironmentSecrets)
	}
}

func mergeCode(s, in *api.CodeRepository) {
	s.RepositoryUrl, s.SourceCodeVersion = in.RepositoryUrl, in.SourceCodeVersion
	over(&s.SourceDirectory, in.SourceDirectory)
	if s.CodeConfiguration == nil || in.CodeConfiguration == nil {
		over(&s.CodeConfiguration, in.CodeConfiguration)
		return
	}
	s.CodeConfiguration.ConfigurationSource = in.CodeConfiguration.ConfigurationSource
	values, given := s.CodeConfiguration.CodeConfigurationValues, in.CodeConfiguration.CodeConfigurationValues
	if values == nil || given == nil {
		over(&s.CodeConfiguration.CodeConfigurationValues, given)
		return
	}
	values.Runtime = given.Runtime
	over(&values.BuildCommand, given.BuildCommand)
	over(&values.StartCommand, given.StartCommand)
	over(&values.Port, given.Port)
	overMap(&values.RuntimeEnvironmentVariables, given.RuntimeEnvironmentVariables)
	overMap(&values.RuntimeEnvironmentSecrets, given.RuntimeEnvironmentSecrets)
}

// over replaces what is set by what is given, if anything is.
func over[T any](set **T, given *T) {
	if given != nil {
		*set = given
	}
}

// overMap replaces the whole map, so that an empty one removes all.
func overMap(set *map[string]string, given map[string]string) {
	if given != nil {
		*set = given
	}
}

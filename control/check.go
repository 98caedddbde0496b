package control

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"apron/api"
	"apron/fleet"
)

// check holds a completed configuration against the rules that the model's constraints cannot say, and refuses what
// this version of apron would store without acting on it.
func check(s *api.Service) error {
	for _, rule := range []func(*api.Service) error{
		checkSource, checkSize, checkPort, checkEnvironment, checkCommand, checkNotBuilt,
	} {
		if err := rule(s); err != nil {
			return err
		}
	}
	return nil
}

func checkSource(s *api.Service) error {
	source := s.SourceConfiguration
	switch {
	case source.CodeRepository != nil && source.ImageRepository != nil:
		return api.InvalidRequest("SourceConfiguration has both a CodeRepository and an ImageRepository. Give one of them.")
	case source.CodeRepository != nil:
		return api.InvalidRequest("This version of apron can't build from a CodeRepository yet. Build an image, push it to apron's registry or any other, and give it as ImageRepository.")
	case source.ImageRepository == nil:
		return api.InvalidRequest("SourceConfiguration has neither an ImageRepository nor a CodeRepository. Give an ImageRepository.")
	}
	if source.ImageRepository.ImageRepositoryType == api.ImageRepositoryECRPublic && *source.AutoDeploymentsEnabled {
		return api.InvalidRequest("App Runner doesn't support automatic deployments for an image in an ECR Public repository.")
	}
	return nil
}

// checkSameSource refuses an update that would turn an image service into one built from source.
func checkSameSource(s, in *api.SourceConfiguration) error {
	if in != nil && in.CodeRepository != nil && s.ImageRepository != nil {
		return api.InvalidRequest("An update can't switch a service from ImageRepository to CodeRepository. Create another service for it.")
	}
	return nil
}

// sizes are the memory sizes in MB that each number of CPU units may have.
var sizes = map[string][]string{
	"256":  {"512", "1024"},
	"512":  {"1024"},
	"1024": {"2048", "3072", "4096"},
	"2048": {"4096", "6144"},
	"4096": {"8192", "10240", "12288"},
}

func checkSize(s *api.Service) error {
	cpu, memory := *s.InstanceConfiguration.Cpu, *s.InstanceConfiguration.Memory
	if slices.Contains(sizes[cpu], memory) {
		return nil
	}
	return api.InvalidRequest("InstanceConfiguration has Cpu %s and Memory %s, which don't go together. With Cpu %s, Memory must be one of %s.",
		cpu, memory, cpu, strings.Join(sizes[cpu], ", "))
}

func checkPort(s *api.Service) error {
	text := *s.SourceConfiguration.ImageRepository.ImageConfiguration.Port
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return api.InvalidRequest("Port %q isn't a port. Give a number from 1 to 65535.", text)
	}
	return nil
}

// checkEnvironment refuses names that App Runner reserves and what no process can have in its environment.
func checkEnvironment(s *api.Service) error {
	for name, value := range s.SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables {
		switch {
		case name == "PORT":
			return api.InvalidRequest("PORT is reserved: App Runner sets it to the configured Port. Remove it from RuntimeEnvironmentVariables and set Port.")
		case strings.HasPrefix(name, "AWSAPPRUNNER"):
			return api.InvalidRequest("Names of RuntimeEnvironmentVariables can't begin with AWSAPPRUNNER, which is reserved. Rename the variable.")
		case strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00"):
			return api.InvalidRequest("A name in RuntimeEnvironmentVariables has an equals sign, or a name or value has a NUL character. Neither can be in a process's environment.")
		}
	}
	return nil
}

func checkCommand(s *api.Service) error {
	command := s.SourceConfiguration.ImageRepository.ImageConfiguration.StartCommand
	if command == nil {
		return nil
	}
	if _, err := fleet.Command(*command, nil); err != nil {
		return api.InvalidRequest("StartCommand can't be read as a command and its arguments: %v. For anything that needs a shell, write sh -c '...'.", err)
	}
	return nil
}

// checkNotBuilt refuses settings that nothing acts on yet: accepting them would tell a lie about what runs.
func checkNotBuilt(s *api.Service) error {
	const sorry = "This version of apron can't %s yet. Leave %s out."
	switch {
	case len(s.SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentSecrets) > 0:
		return api.InvalidRequest(sorry, "resolve secrets", "RuntimeEnvironmentSecrets")
	case s.EncryptionConfiguration != nil:
		return api.InvalidRequest(sorry, "encrypt with your key", "EncryptionConfiguration")
	case *s.NetworkConfiguration.EgressConfiguration.EgressType != api.EgressDefault:
		return api.InvalidRequest(sorry, "send outgoing traffic through a VPC connector", "EgressConfiguration")
	case !*s.NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible:
		return api.InvalidRequest(sorry, "run private services", "IngressConfiguration")
	case s.ObservabilityConfiguration.ObservabilityEnabled:
		return api.InvalidRequest(sorry, "trace services", "ObservabilityConfiguration")
	}
	return nil
}

// checkAutoScaling accepts the one configuration that there is so far, by its full or shortened ARN.
func checkAutoScaling(caller api.Caller, arn *string) error {
	if arn == nil {
		return nil
	}
	full := *defaultAutoScaling(caller).AutoScalingConfigurationArn
	revision, name := path.Dir(full), path.Dir(path.Dir(full))
	if slices.Contains([]string{full, revision, name}, *arn) {
		return nil
	}
	return api.InvalidRequest("The auto scaling configuration ARN you specified isn't valid. ARN: '%s'", *arn)
}

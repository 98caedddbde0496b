package control

import (
	"net/url"
	"slices"
	"strings"

	"apron/api"
	"apron/store"
)

// check holds a completed configuration against the rules that the model's constraints cannot say, and tells all that is
// broken at once. What this version of apron would store without acting on it is refused after that, alone, so that its
// sender knows it to be the last obstacle.
func (c *Control) check(tx *store.Tx, caller api.Caller, s *api.Service, f *faults) error {
	c.checkSource(f, caller, s.SourceConfiguration)
	checkProcess(f, s.SourceConfiguration)
	checkSize(f, s.InstanceConfiguration)
	checkHealth(f, s.HealthCheckConfiguration)
	checkEgress(f, s.NetworkConfiguration.EgressConfiguration)
	if err := refer(tx, caller, s, f); err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	return checkBuilt(s)
}

// sizes are the memory sizes in MB that each number of CPU units may have.
var sizes = map[string][]string{
	"256":  {"512", "1024"},
	"512":  {"1024"},
	"1024": {"2048", "3072", "4096"},
	"2048": {"4096", "6144"},
	"4096": {"8192", "10240", "12288"},
}

func checkSize(f *faults, c *api.InstanceConfiguration) {
	if !slices.Contains(sizes[*c.Cpu], *c.Memory) {
		f.add("InstanceConfiguration has Cpu %s and Memory %s, which don't go together. With Cpu %s, Memory must be one of %s.",
			*c.Cpu, *c.Memory, *c.Cpu, strings.Join(sizes[*c.Cpu], ", "))
	}
}

// checkHealth leaves a Path that TCP has no use for alone.
func checkHealth(f *faults, c *api.HealthCheckConfiguration) {
	if *c.Protocol != api.HealthCheckHTTP {
		return
	}
	if _, err := url.ParseRequestURI(*c.Path); err != nil || !strings.HasPrefix(*c.Path, "/") {
		f.add("HealthCheckConfiguration has Path %s, which isn't a path on the service. With Protocol HTTP, give one that begins with /.", shown(*c.Path))
	}
}

func checkEgress(f *faults, c *api.EgressConfiguration) {
	switch {
	case *c.EgressType == api.EgressVPC && c.VpcConnectorArn == nil:
		f.add("EgressConfiguration has EgressType VPC and no VpcConnectorArn. Give the ARN of a VPC connector, or EgressType DEFAULT.")
	case *c.EgressType != api.EgressVPC && c.VpcConnectorArn != nil:
		f.add("EgressConfiguration has a VpcConnectorArn, which needs EgressType VPC. Give that too, or leave the VpcConnectorArn out.")
	}
}

// checkBuilt refuses settings that nothing acts on yet: accepting them would tell a lie about what runs.
func checkBuilt(s *api.Service) error {
	const sorry = "This version of apron can't %s yet. Leave %s out."
	switch {
	case len(processOf(s.SourceConfiguration).secrets) > 0:
		return api.InvalidRequest(sorry, "resolve secrets", "RuntimeEnvironmentSecrets")
	case s.EncryptionConfiguration != nil:
		return api.InvalidRequest(sorry, "encrypt with your key", "EncryptionConfiguration")
	}
	return nil
}

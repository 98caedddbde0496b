package control

import (
	"apron/api"
	"apron/store"
)

// refer finds what the configuration names by ARN and puts the full ARNs in, as clients compare them. It is done in the
// transaction that records the service: what it found cannot be deleted in between, and by the full ARN it is found to be in
// use from then on.
func refer(tx *store.Tx, caller api.Caller, s *api.Service, f *faults) error {
	for _, rule := range []func(*store.Tx, api.Caller, *api.Service) error{referConnection, referConnector, referObservability} {
		if err := f.take(rule(tx, caller, s)); err != nil {
			return err
		}
	}
	return nil
}

// scale binds the service to the revision that arn means now, or to the default one for a new service without arn. A
// service keeps its revision until an update names another (App Runner API reference, section 3.2).
func scale(tx *store.Tx, caller api.Caller, s *api.Service, arn *string, f *faults) error {
	if arn == nil && s.AutoScalingConfigurationSummary != nil {
		return nil
	}
	found, err := autoScaling(tx, caller, arn)
	s.AutoScalingConfigurationSummary = &api.AutoScalingConfigurationSummary{
		AutoScalingConfigurationArn:      found.AutoScalingConfigurationArn,
		AutoScalingConfigurationName:     found.AutoScalingConfigurationName,
		AutoScalingConfigurationRevision: found.AutoScalingConfigurationRevision,
	}
	return f.take(err)
}

// referConnection takes only connections whose handshake is complete. Public repositories need none (docs/divergences.md).
func referConnection(tx *store.Tx, caller api.Caller, s *api.Service) error {
	auth := s.SourceConfiguration.AuthenticationConfiguration
	if auth == nil || auth.ConnectionArn == nil {
		return nil
	}
	found, err := findLive[api.Connection](tx, caller, api.ResourceConnection, *auth.ConnectionArn)
	if err != nil {
		return err
	}
	if status := *found.Record.Status; status != api.ConnectionAvailable {
		return api.InvalidRequest("The connection %s is %s and must be AVAILABLE. Complete it with `apron connection authorize %s`, and try again.",
			found.ARN.Name, status, found.ARN.Name)
	}
	auth.ConnectionArn = new(found.ARN.String())
	return nil
}

func referConnector(tx *store.Tx, caller api.Caller, s *api.Service) error {
	egress := s.NetworkConfiguration.EgressConfiguration
	if *egress.EgressType != api.EgressVPC || egress.VpcConnectorArn == nil {
		return nil // or checkEgress says what is wrong
	}
	_, err := findLive[struct{}](tx, caller, api.ResourceVpcConnector, *egress.VpcConnectorArn) // by its full ARN: it has no other
	return err
}

func referObservability(tx *store.Tx, caller api.Caller, s *api.Service) error {
	o := s.ObservabilityConfiguration
	if o.ObservabilityConfigurationArn == nil {
		return nil
	}
	found, err := findLive[struct{}](tx, caller, api.ResourceObservabilityConfiguration, *o.ObservabilityConfigurationArn)
	if err == nil {
		o.ObservabilityConfigurationArn = new(found.ARN.String())
	}
	return err
}

// usualObservability names the configuration that AWS gives to every account and region.
func usualObservability(caller api.Caller) string {
	return api.ARN{Region: caller.Region, Account: caller.Account, Kind: api.ResourceObservabilityConfiguration, Name: "DefaultConfiguration"}.String()
}

// target is the deployment of the service as it is now. How it scales is decided here: whatever becomes the default later, it
// changes no service.
func target(tx *store.Tx, caller api.Caller, s *api.Service, op store.Operation) (*store.Deployment, error) {
	scaling, err := autoScaling(tx, caller, s.AutoScalingConfigurationSummary.AutoScalingConfigurationArn)
	if err != nil {
		return nil, err
	}
	return &store.Deployment{
		ID: op.ID(), Config: *s, MinSize: *scaling.MinSize, MaxSize: *scaling.MaxSize, MaxConcurrency: *scaling.MaxConcurrency,
	}, nil
}

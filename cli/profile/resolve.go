package profile

import "context"

// Flags are what the command line says of a call; nil is nothing.
type Flags struct {
	Region      *string
	EndpointURL *string
	CABundle    *string
	NoVerifySSL bool
}

// Resolved is all that is needed to call a service.
type Resolved struct {
	Endpoint            string
	Region              string // as calls are signed with
	Verify              bool   // whether the server must show a certificate
	CABundle            string // the file of those who may vouch for it; "" is the machine's own
	RetryMode           string
	MaxAttempts         int
	ParameterValidation bool
	Credentials         func(context.Context) (*Keys, error) // never nil; *NoCredentialsError without any
}

// Resolve answers everything about a call to the service, which is named as in host names: apprunner. What is wrong is
// found in this order, and what comes after it is not looked at: the region's name, the profile, the credentials (those
// that are kept in files, come from a program, or from the machine are fetched here; a role or a single sign-on is only
// checked, and asked when the keys are needed), the sign-on's token, the services section, the lack of a region, the
// number of attempts, the mode of retrying, and last the endpoint.
func (s *Session) Resolve(ctx context.Context, service string, flags Flags) (*Resolved, error) {
	if flags.Region != nil && *flags.Region != "" {
		s.region = flags.Region
	}
	region, known, err := s.Region(ctx, flags.Region)
	if err != nil {
		return nil, err
	}
	r := &Resolved{}
	if r.CABundle, r.Verify, err = s.trust(flags); err != nil {
		return nil, err
	}
	if r.Credentials, err = s.load(ctx); err != nil {
		return nil, err
	}
	if err := s.checkToken(); err != nil {
		return nil, err
	}
	if r.ParameterValidation, err = s.ParameterValidation(); err != nil {
		return nil, err
	}
	return r, s.reach(r, service, region, known, flags.EndpointURL)
}

// reach fills in where the service is and how often to try it.
func (s *Session) reach(r *Resolved, service, region string, known bool, flag *string) error {
	_, err := s.configuredEndpoint(service, flag)
	if err != nil {
		return err
	}
	if !known {
		return &NoRegionError{}
	}
	if r.RetryMode, r.MaxAttempts, err = s.Retry(); err != nil {
		return err
	}
	r.Endpoint, r.Region, err = s.Endpoint(service, region, flag)
	return err
}

// trust is whom to believe a server's certificate: of the command line, the environment or the profile. An empty name of
// a file is nobody in particular: AWS's CLI then looks at no certificate.
func (s *Session) trust(flags Flags) (bundle string, verify bool, err error) {
	if flags.NoVerifySSL {
		return "", false, nil
	}
	if flags.CABundle != nil {
		return *flags.CABundle, *flags.CABundle != "", nil
	}
	bundle, ok, err := s.first("ca_bundle", "AWS_CA_BUNDLE")
	if err != nil {
		return "", false, err
	}
	if !ok {
		if bundle, ok = s.env.lookup("REQUESTS_CA_BUNDLE"); !ok {
			return "", true, nil
		}
	}
	return bundle, bundle != "", nil
}

package profile

import "strings"

// metadata is how to reach the service that tells a machine of EC2 about itself.
type metadata struct {
	timeout, attempts int // seconds, and how often to ask
	endpoint          string
}

// CheckMetadata reports what is wrong with the settings of the machine's own service. AWS's CLI reads them as soon as
// the command line is parsed, whether or not it will ask that service; a profile that is not there is no error yet.
func (s *Session) CheckMetadata() error {
	_, err := s.metadata()
	if _, missing := err.(*ProfileNotFoundError); missing {
		return nil
	}
	return err
}

func (s *Session) metadata() (m metadata, err error) {
	if m.timeout, err = s.number("metadata_service_timeout", "AWS_METADATA_SERVICE_TIMEOUT", 1); err != nil {
		return m, err
	}
	if m.attempts, err = s.number("metadata_service_num_attempts", "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1); err != nil {
		return m, err
	}
	m.endpoint, _, err = s.first("ec2_metadata_service_endpoint", "AWS_EC2_METADATA_SERVICE_ENDPOINT")
	if err != nil {
		return m, err
	}
	if err := s.metadataMode(&m); err != nil {
		return m, err
	}
	if !isEndpoint(m.endpoint) {
		return m, wrong("Invalid endpoint EC2 Instance Metadata endpoint: %s", m.endpoint)
	}
	m.endpoint = strings.TrimSuffix(m.endpoint, "/") + "/"
	return m, nil
}

// metadataMode takes the usual address where none is configured: that of the old protocol, or of the new.
func (s *Session) metadataMode(m *metadata) error {
	mode, ok, err := s.first("ec2_metadata_service_endpoint_mode", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
	if err != nil {
		return err
	}
	six := ok && strings.EqualFold(mode, "ipv6")
	if ok && !six && !strings.EqualFold(mode, "ipv4") {
		return wrong("Invalid EC2 Instance Metadata endpoint mode: %s Valid endpoint modes (case-insensitive): ('ipv4', 'ipv6').", mode)
	}
	if !ok {
		if six, err = s.flagged("imds_use_ipv6", "AWS_IMDS_USE_IPV6"); err != nil {
			return err
		}
	}
	switch {
	case m.endpoint != "":
	case six:
		m.endpoint = "http://[fd00:ec2::254]/"
	default:
		m.endpoint = "http://169.254.169.254/"
	}
	return nil
}

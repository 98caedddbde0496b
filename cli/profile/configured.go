package profile

// ConfiguredEndpoint is the URL at which somebody wants the service to be called: for the service or for all in the
// environment, or in the profile. It is "" where nobody does, and AWS's own would be called.
func (s *Session) ConfiguredEndpoint(service string) (string, error) {
	return s.configuredEndpoint(service, nil)
}

package gitserver

// SmallPacks lets a server take small packs alone, so that tests of what it refuses need no large ones.
func (s *Server) SmallPacks() {
	s.limits = packLimits{object: 8 << 20, delta: 2 << 20, held: 4 << 20, chain: 50}
}

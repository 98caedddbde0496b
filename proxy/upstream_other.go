//go:build !linux

package proxy

func (u *upstream) enter(*loop) {}
func (u *upstream) leaveLoop()  {}
func (u *upstream) enterIdle()  {}

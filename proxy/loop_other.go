package proxy

type loop struct{}

type polled struct{ loop *loop }

func (c *client) serveInLoop(read []byte) bool { return false }

func (x *exchange1) cutInLoopLocked() bool { return false }

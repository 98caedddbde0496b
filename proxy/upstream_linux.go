package proxy

// enter makes the connection one that l watches. If that can't be done it stays what it is, and serves goroutines.
func (u *upstream) enter(l *loop) {
	tcp := tcpOf(u.conn)
	if tcp == nil {
		return
	}
	conn, err := l.adopt(tcp)
	if err != nil {
		return // it is closed; the first use of it will say so
	}
	conn.up = u
	u.conn = conn
	if err := l.enter(conn); err != nil {
		_ = conn.Close()
		return
	}
	u.poll, u.loop = conn, l
}

// leaveLoop takes the connection from its loop.
func (u *upstream) leaveLoop() {
	if u.poll != nil {
		u.poll.inLoop.Store(false)
	}
}

// enterIdle gives the connection back to its loop.
func (u *upstream) enterIdle() {
	if u.poll != nil && !u.poll.inLoop.Load() {
		_ = u.poll.toLoop() // it is nobody else's to close
	}
}

package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A packet on the socket between two processes is one JSON text, and perhaps some open files beside it. The socket keeps
// packets apart, so that there is nothing to frame.
const (
	maxPacket = 256 << 10 // bytes
	maxFiles  = 8
)

// sockets makes the two ends between an old process and a new one. Neither outlives its process in a child by chance.
func sockets() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket between two processes: %w", err)
	}
	for _, fd := range fds {
		// As much as root may: the default holds a packet of the largest size, but not two.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4*maxPacket)
	}
	theirs = os.NewFile(uintptr(fds[1]), "handover")
	ours, err = unixConn(os.NewFile(uintptr(fds[0]), "handover"))
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return ours, theirs, nil
}

// unixConn takes the file over.
func unixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("open the socket between two processes: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the socket between two processes is of the network %s", c.LocalAddr().Network()), c.Close())
	}
	return u, nil
}

// send writes one packet. The files stay open here.
func send(c *net.UnixConn, packet any, files []syscall.Conn) error {
	text, err := json.Marshal(packet)
	if err != nil {
		return err
	}
	if len(text) > maxPacket {
		return fmt.Errorf("a message of %d bytes is more than the %d that one process may send another", len(text), maxPacket)
	}
	return withFDs(files, nil, func(fds []int) error {
		var rights []byte
		if len(fds) > 0 {
			rights = unix.UnixRights(fds...)
		}
		_, _, err := c.WriteMsgUnix(text, rights, nil)
		return err
	})
}

// withFDs calls f with the descriptors of the files, none of which is closed meanwhile.
func withFDs(files []syscall.Conn, fds []int, f func([]int) error) error {
	if len(files) == 0 {
		return f(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = withFDs(files[1:], append(fds, int(fd)), f) })
	return errors.Join(err, inner)
}

// receive reads one packet into the buffer; io.EOF says that the other end is closed. The files are the caller's.
func receive(c *net.UnixConn, buf []byte, packet any) ([]*os.File, error) {
	oob := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, oobn, flags, _, err := c.ReadMsgUnix(buf, oob)
	if err != nil {
		return nil, err
	}
	files, err := filesIn(oob[:oobn])
	switch {
	case err != nil:
	case n == 0:
		err = io.EOF
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = errors.New("a message between two processes was cut off")
	default:
		err = json.Unmarshal(buf[:n], packet)
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

func filesIn(oob []byte) (files []*os.File, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	for i := 0; i < len(messages) && err == nil; i++ {
		var fds []int
		fds, err = unix.ParseUnixRights(&messages[i])
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "handed over"))
		}
	}
	return files, err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

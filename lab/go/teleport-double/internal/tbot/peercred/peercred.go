// Package peercred tells a gRPC server the process at the other end of a Unix
// socket (Teleport lib/uds).
package peercred

import (
	"context"
	"net"

	"github.com/gravitational/trace"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// authInfo is what a connection's handshake found.
type authInfo struct {
	credentials.CommonAuthInfo
	// process is nil for connections that are no Unix sockets.
	process *unix.Ucred
}

// AuthType implements credentials.AuthInfo.
func (authInfo) AuthType() string { return "uds" }

// FromContext returns the process that called connect(). ok is false when there
// is none to know of (TCP). A PID of 0 means that the process is not visible in
// this PID namespace: tbot runs without hostPID.
func FromContext(ctx context.Context) (pid int, ok bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return 0, false
	}
	info, ok := p.AuthInfo.(authInfo)
	if !ok || info.process == nil {
		return 0, false
	}
	return int(info.process.Pid), true
}

// TransportCredentials is plain text, with SO_PEERCRED read at the handshake.
type TransportCredentials struct {
	credentials.TransportCredentials
}

// ServerHandshake implements credentials.TransportCredentials.
func (c TransportCredentials) ServerHandshake(connection net.Conn) (net.Conn, credentials.AuthInfo, error) {
	info := authInfo{CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}
	unixConnection, ok := connection.(*net.UnixConn)
	if !ok {
		return connection, info, nil
	}
	process, err := read(unixConnection)
	if err != nil {
		return nil, nil, err
	}
	info.process = process
	return connection, info, nil
}

// Clone implements credentials.TransportCredentials.
func (c TransportCredentials) Clone() credentials.TransportCredentials {
	return TransportCredentials{c.TransportCredentials.Clone()}
}

func read(connection *net.UnixConn) (*unix.Ucred, error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return nil, trace.Wrap(err)
	}
	var process *unix.Ucred
	var readError error
	err = raw.Control(func(descriptor uintptr) {
		process, readError = unix.GetsockoptUcred(int(descriptor), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return nil, trace.Wrap(err)
	}
	return process, trace.Wrap(readError, "reading peer credentials")
}

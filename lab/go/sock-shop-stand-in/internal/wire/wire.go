// Package wire speaks the first exchange of the protocols of Sock Shop's databases and of its queue, on both sides:
// whatever a proxy in between decides by, it sees as from the real programs. Who speaks first is the point: a MySQL
// server greets, in all others the client begins.
package wire

import (
	"errors"
	"fmt"
	"net"
)

// ErrMalformed is in the chain of an error when the peer answered, but not in the protocol.
var ErrMalformed = errors.New("not an answer of this protocol")

// Protocol is both sides of an exchange over one connection.
type Protocol struct {
	// Serve answers a client until it leaves, and does not close the connection.
	Serve func(conn net.Conn) error
	// Exchange does what a client does until the server has answered bytes of the client's. Greeted tells whether the
	// server's own first bytes had arrived before the client sent any.
	Exchange func(conn net.Conn) (greeted bool, err error)
}

// Protocols by the names that ports and targets carry.
var Protocols = map[string]Protocol{
	"mysql": {serveMySQL, exchangeMySQL},
	"mongo": {serveMongo, exchangeMongo},
	"redis": {serveRedis, exchangeRedis},
	"amqp":  {serveAMQP, exchangeAMQP},
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

package wire

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// listen serves connections with the given function and returns the address.
func listen(t *testing.T, serve func(net.Conn) error) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestClientAndServerAgree(t *testing.T) {
	for name, protocol := range Protocols {
		t.Run(name, func(t *testing.T) {
			greeted, err := protocol.Exchange(dial(t, listen(t, protocol.Serve)))
			if err != nil {
				t.Fatal(err)
			}
			if greeted != (name == "mysql") {
				t.Errorf("greeted is %v", greeted)
			}
		})
	}
}

func TestOnlyMySQLSpeaksFirst(t *testing.T) {
	for name, protocol := range Protocols {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, listen(t, protocol.Serve))
			if err := conn.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Read(make([]byte, 1))
			if spoke := err == nil; spoke != (name == "mysql") {
				t.Errorf("spoke first: %v (%v)", spoke, err)
			}
		})
	}
}

// A peer that takes the client's bytes and ends the connection without an answer must not pass for one that answered.
func TestNoAnswerIsAnError(t *testing.T) {
	for name, protocol := range Protocols {
		t.Run(name, func(t *testing.T) {
			address := listen(t, func(conn net.Conn) error {
				if name == "mysql" {
					if err := writeMySQLPacket(conn, 0, mysqlGreeting()); err != nil {
						return err
					}
				}
				_, err := conn.Read(make([]byte, 4096))
				return err
			})
			greeted, err := protocol.Exchange(dial(t, address))
			if !errors.Is(err, io.EOF) {
				t.Errorf("the error is %v", err)
			}
			if greeted != (name == "mysql") {
				t.Errorf("greeted is %v", greeted)
			}
		})
	}
}

// Anything else that answers must not pass for the protocol.
func TestAnotherAnswerIsMalformed(t *testing.T) {
	for name, protocol := range Protocols {
		t.Run(name, func(t *testing.T) {
			address := listen(t, func(conn net.Conn) error {
				_, err := io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
				return err
			})
			if _, err := protocol.Exchange(dial(t, address)); !errors.Is(err, ErrMalformed) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// AMQP 0-9-1: the client sends a protocol header, the server answers with the method Connection.Start. A frame is a
// type, a channel, a length, a payload and an end mark.
const (
	amqpHeader       = "AMQP\x00\x00\x09\x01"
	amqpMethodFrame  = 1
	amqpFrameEnd     = 0xce
	amqpFrameStart   = 7 // type, channel, length
	amqpLongestFrame = 4096
)

// amqpStart is Connection.Start (class 10, method 10): version 0-9, no server properties, how to log in, languages.
var amqpStart = func() []byte {
	var b bytes.Buffer
	b.Write([]byte{0, 10, 0, 10, 0, 9})
	b.Write(make([]byte, 4))
	for _, text := range []string{"PLAIN", "en_US"} {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
		b.WriteString(text)
	}
	return b.Bytes()
}()

func serveAMQP(conn net.Conn) error {
	var header [len(amqpHeader)]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if string(header[:]) != amqpHeader {
		// A server tells which version it speaks and ends the connection.
		_, err := io.WriteString(conn, amqpHeader)
		return err
	}
	frame := []byte{amqpMethodFrame, 0, 0}
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(amqpStart)))
	frame = append(append(frame, amqpStart...), amqpFrameEnd)
	if _, err := conn.Write(frame); err != nil {
		return err
	}
	// A client that continues would log in now; nobody does here.
	_, err := io.Copy(io.Discard, conn)
	return err
}

func exchangeAMQP(conn net.Conn) (greeted bool, err error) {
	if _, err := io.WriteString(conn, amqpHeader); err != nil {
		return false, err
	}
	var start [amqpFrameStart]byte
	if _, err := io.ReadFull(conn, start[:]); err != nil {
		return false, err
	}
	length := binary.BigEndian.Uint32(start[3:])
	if start[0] != amqpMethodFrame || length > amqpLongestFrame {
		return false, malformed("a frame of type %d and %d bytes", start[0], length)
	}
	rest := make([]byte, length+1)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return false, err
	}
	if !bytes.HasPrefix(rest, amqpStart[:4]) || rest[length] != amqpFrameEnd {
		return false, malformed("the protocol header was not answered with Connection.Start")
	}
	return false, nil
}

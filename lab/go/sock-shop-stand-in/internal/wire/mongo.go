package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// MongoDB wire protocol: a header of four little-endian int32 (length with the header, request id, id of the request
// that is answered, operation), then the operation's body; documents are BSON.
const (
	mongoHeaderLength = 16
	mongoOpMsg        = 2013
	// No message of this exchange is near it; a longer one is no Mongo.
	mongoLongestMessage = 4096
	mongoRequestID      = 1
)

var (
	// {hello: 1, $db: "admin"}
	mongoHello = bsonDocument(append([]byte("\x10hello\x00\x01\x00\x00\x00"), "\x02$db\x00\x06\x00\x00\x00admin\x00"...))
	// {ok: 1.0}
	mongoOK = bsonDocument([]byte("\x01ok\x00\x00\x00\x00\x00\x00\x00\xf0\x3f"))
)

func serveMongo(conn net.Conn) error {
	for answers := int32(mongoRequestID); ; answers++ {
		request, _, _, err := readMongoMessage(conn)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(mongoMessage(answers, request, mongoOK)); err != nil {
			return err
		}
	}
}

func exchangeMongo(conn net.Conn) (greeted bool, err error) {
	if _, err := conn.Write(mongoMessage(mongoRequestID, 0, mongoHello)); err != nil {
		return false, err
	}
	_, answered, document, err := readMongoMessage(conn)
	if err != nil {
		return false, err
	}
	if answered != mongoRequestID || !bytes.Equal(document, mongoOK) {
		return false, malformed("hello was not answered with ok")
	}
	return false, nil
}

// mongoMessage is an OP_MSG without flags and with one body section.
func mongoMessage(id, answered int32, document []byte) []byte {
	body := append(make([]byte, 4+1), document...)
	message := binary.LittleEndian.AppendUint32(nil, uint32(mongoHeaderLength+len(body)))
	for _, field := range []int32{id, answered, mongoOpMsg} {
		message = binary.LittleEndian.AppendUint32(message, uint32(field))
	}
	return append(message, body...)
}

func readMongoMessage(conn net.Conn) (id, answered int32, document []byte, err error) {
	var header [mongoHeaderLength]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return 0, 0, nil, err
	}
	field := func(index int) int32 { return int32(binary.LittleEndian.Uint32(header[4*index:])) }
	length, operation := field(0), field(3)
	if length < mongoHeaderLength+5 || length > mongoLongestMessage || operation != mongoOpMsg {
		return 0, 0, nil, malformed("operation %d of %d bytes", operation, length)
	}
	body := make([]byte, length-mongoHeaderLength)
	_, err = io.ReadFull(conn, body)
	return field(1), field(2), body[5:], err
}

func bsonDocument(elements []byte) []byte {
	document := binary.LittleEndian.AppendUint32(nil, uint32(4+len(elements)+1))
	return append(append(document, elements...), 0)
}

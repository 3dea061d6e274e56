package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// MySQL client/server protocol, version 10 (MySQL 5.7 reference, "Client/Server Protocol"): packets of a 3-byte length,
// a sequence number and a payload.
const (
	mysqlProtocolVersion = 10
	mysqlOK              = 0x00
	mysqlQuit            = 0x01 // COM_QUIT
	// LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH
	mysqlCapabilities = 0x00000001 | 0x00000200 | 0x00008000 | 0x00080000
	mysqlUTF8         = 33
	mysqlAutocommit   = 0x0002
	mysqlMaxPacket    = 1 << 24
	mysqlPlugin       = "mysql_native_password"
	// No packet of this exchange is near it; a longer one is no MySQL.
	mysqlLongestPacket = 4096
)

func serveMySQL(conn net.Conn) error {
	if err := writeMySQLPacket(conn, 0, mysqlGreeting()); err != nil {
		return err
	}
	for {
		sequence, payload, err := readMySQLPacket(conn)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		// The packet after the greeting is the client's login and begins with its capabilities; later ones are commands.
		if len(payload) == 1 && payload[0] == mysqlQuit {
			return nil
		}
		// OK: no rows affected, no insert id, status, no warnings.
		if err := writeMySQLPacket(conn, sequence+1, []byte{mysqlOK, 0, 0, mysqlAutocommit, 0, 0, 0}); err != nil {
			return err
		}
	}
}

func exchangeMySQL(conn net.Conn) (greeted bool, err error) {
	sequence, greeting, err := readMySQLPacket(conn)
	if err != nil {
		return false, err
	}
	if len(greeting) == 0 || greeting[0] != mysqlProtocolVersion {
		return false, malformed("the greeting is not of protocol version %d", mysqlProtocolVersion)
	}
	if err := writeMySQLPacket(conn, sequence+1, mysqlLogin()); err != nil {
		return true, err
	}
	_, answer, err := readMySQLPacket(conn)
	if err != nil {
		return true, err
	}
	if len(answer) == 0 || answer[0] != mysqlOK {
		return true, malformed("the login was not answered with OK")
	}
	return true, nil
}

// mysqlGreeting is a HandshakeV10 payload.
func mysqlGreeting() []byte {
	const capabilities = uint32(mysqlCapabilities)
	challenge := []byte("stand-in-challenge--") // 20 bytes; nobody checks a password here
	var b bytes.Buffer
	b.WriteByte(mysqlProtocolVersion)
	b.WriteString("5.7.17-stand-in\x00")
	b.Write([]byte{1, 0, 0, 0}) // connection id
	b.Write(challenge[:8])
	b.WriteByte(0)
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(capabilities&0xffff)))
	b.WriteByte(mysqlUTF8)
	b.Write(binary.LittleEndian.AppendUint16(nil, mysqlAutocommit))
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(capabilities>>16)))
	b.WriteByte(byte(len(challenge) + 1))
	b.Write(make([]byte, 10))
	b.Write(challenge[8:])
	b.WriteByte(0)
	b.WriteString(mysqlPlugin + "\x00")
	return b.Bytes()
}

// mysqlLogin is a HandshakeResponse41 payload of catalogue's user.
func mysqlLogin() []byte {
	var b bytes.Buffer
	b.Write(binary.LittleEndian.AppendUint32(nil, mysqlCapabilities))
	b.Write(binary.LittleEndian.AppendUint32(nil, mysqlMaxPacket))
	b.WriteByte(mysqlUTF8)
	b.Write(make([]byte, 23))
	b.WriteString("catalogue_user\x00")
	b.WriteByte(0) // no password
	b.WriteString(mysqlPlugin + "\x00")
	return b.Bytes()
}

func writeMySQLPacket(conn net.Conn, sequence byte, payload []byte) error {
	length := len(payload)
	header := []byte{byte(length), byte(length >> 8), byte(length >> 16), sequence}
	_, err := conn.Write(append(header, payload...))
	return err
}

func readMySQLPacket(conn net.Conn) (sequence byte, payload []byte, err error) {
	var header [4]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return 0, nil, err
	}
	length := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	if length > mysqlLongestPacket {
		return 0, nil, malformed("a packet of %d bytes", length)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(conn, payload)
	return header[3], payload, err
}

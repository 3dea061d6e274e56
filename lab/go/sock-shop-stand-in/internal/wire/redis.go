package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
)

// Redis serialization protocol (RESP2): a command is an array of bulk strings, each part ended by CR LF.
const (
	redisPing = "*1\r\n$4\r\nPING\r\n"
	redisPong = "+PONG\r\n"
	// No part of a command here is near it; a longer one is no Redis.
	redisLongestPart = 4096
)

func serveRedis(conn net.Conn) error {
	reader := bufio.NewReader(conn)
	for {
		command, err := readRedisCommand(reader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer := "-ERR unknown command\r\n"
		if len(command) > 0 && strings.EqualFold(command[0], "PING") {
			answer = redisPong
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return err
		}
	}
}

func exchangeRedis(conn net.Conn) (greeted bool, err error) {
	if _, err := io.WriteString(conn, redisPing); err != nil {
		return false, err
	}
	answer := make([]byte, len(redisPong))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return false, err
	}
	if string(answer) != redisPong {
		return false, malformed("PING was answered with %q", answer)
	}
	return false, nil
}

func readRedisCommand(reader *bufio.Reader) ([]string, error) {
	count, err := readRedisLength(reader, '*')
	if err != nil {
		return nil, err
	}
	var command []string
	for range count {
		length, err := readRedisLength(reader, '$')
		if err != nil {
			return nil, err
		}
		part := make([]byte, length+len("\r\n"))
		if _, err := io.ReadFull(reader, part); err != nil {
			return nil, err
		}
		command = append(command, string(part[:length]))
	}
	return command, nil
}

func readRedisLength(reader *bufio.Reader, kind byte) (int, error) {
	line, err := reader.ReadString('\n')
	if err != nil {
		return 0, err
	}
	length, err := strconv.Atoi(strings.TrimSuffix(line[1:], "\r\n"))
	if line[0] != kind || err != nil || length < 0 || length > redisLongestPart {
		return 0, malformed("%q where a length after %q was due", line, kind)
	}
	return length, nil
}

// Package probe tries whether targets answer, and says how those that don't end.
package probe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"istio-teleport/lab/go/sock-shop-stand-in/internal/serve"
	"istio-teleport/lab/go/sock-shop-stand-in/internal/wire"
)

// timeLimit of one target, name look-up included; all are tried at once.
const timeLimit = 3 * time.Second

// Result is what became of one try.
type Result string

const (
	// OK: the whole exchange took place; over HTTP with status 200.
	OK Result = "ok"
	// Status: an HTTP answer with another status.
	Status Result = "status"
	// Closed: the peer closed the connection before it had answered the client's bytes.
	Closed Result = "closed"
	// Reset: the peer reset the connection.
	Reset Result = "reset"
	// Malformed: an answer that is not of the protocol.
	Malformed Result = "malformed"
	// Timeout: no end of the exchange within the time limit.
	Timeout Result = "timeout"
	// Unreachable: no such name, no connection, or one that the system gave up.
	Unreachable Result = "unreachable"
)

// Outcome of one target, printed as one line of JSON.
type Outcome struct {
	// Target as asked for.
	Target   string `json:"target"`
	Protocol string `json:"protocol"`
	Result   Result `json:"result"`
	// Status of the HTTP answer; 0 without one.
	Status int `json:"status,omitempty"`
	// Part that answered over HTTP, in its own words; empty where the answer is not a part's.
	Part string `json:"part,omitempty"`
	// Greeting: the server's first bytes came before the client sent any, whatever became of the exchange then.
	Greeting bool `json:"greeting"`
	// Error in the system's words; empty with the result ok or status.
	Error string `json:"error,omitempty"`
}

// All tries every target, written as PROTOCOL://HOST:PORT, and for http with a path; the outcomes have the targets'
// order. It returns an error, and tries nothing, when one is not written so.
func All(targets []string) ([]Outcome, error) {
	urls := make([]*url.URL, len(targets))
	for index, target := range targets {
		parsed, err := url.Parse(target)
		if err != nil {
			return nil, err
		}
		if _, known := wire.Protocols[parsed.Scheme]; (!known && parsed.Scheme != "http") || parsed.Port() == "" {
			return nil, fmt.Errorf("%q is not PROTOCOL://HOST:PORT with a protocol of Sock Shop", target)
		}
		urls[index] = parsed
	}
	outcomes := make([]Outcome, len(targets))
	var tries sync.WaitGroup
	for index, target := range urls {
		tries.Go(func() {
			outcomes[index] = try(target, timeLimit)
			outcomes[index].Target = targets[index]
		})
	}
	tries.Wait()
	return outcomes, nil
}

func try(target *url.URL, limit time.Duration) Outcome {
	outcome := Outcome{Protocol: target.Scheme}
	deadline := time.Now().Add(limit)
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", target.Host)
	if err != nil {
		outcome.Result, outcome.Error = Unreachable, err.Error()
		if isTimeout(err) {
			outcome.Result = Timeout
		}
		return outcome
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		outcome.Result, outcome.Error = Unreachable, err.Error()
		return outcome
	}
	if target.Scheme == "http" {
		outcome.Status, outcome.Part, err = get(conn, target)
	} else {
		outcome.Greeting, err = wire.Protocols[target.Scheme].Exchange(conn)
	}
	switch {
	case err != nil:
		outcome.Result, outcome.Error = failure(err), err.Error()
	case outcome.Status == 0 || outcome.Status == http.StatusOK:
		outcome.Result = OK
	default:
		outcome.Result = Status
	}
	return outcome
}

// get makes one request over the given connection. A client of net/http could retry, or take another connection.
func get(conn net.Conn, target *url.URL) (status int, part string, err error) {
	request, err := http.NewRequest(http.MethodGet, target.String(), nil)
	if err != nil {
		return 0, "", err
	}
	request.Close = true
	if err := request.Write(conn); err != nil {
		return 0, "", err
	}
	answer := bufio.NewReader(conn)
	if _, err := answer.Peek(1); err != nil {
		return 0, "", err
	}
	response, err := http.ReadResponse(answer, request)
	if err != nil {
		if cut(err) || isTimeout(err) {
			return 0, "", err
		}
		return 0, "", fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", err
	}
	var said serve.Answer
	if json.Unmarshal(body, &said) != nil {
		return response.StatusCode, "", nil
	}
	return response.StatusCode, said.Part, nil
}

// failure says how a connection that was made ended before its exchange did.
func failure(err error) Result {
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset
	case isTimeout(err):
		return Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	case errors.Is(err, wire.ErrMalformed):
		return Malformed
	default:
		return Unreachable
	}
}

func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

func isTimeout(err error) bool {
	var timed net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &timed) && timed.Timeout())
}

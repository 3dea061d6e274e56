package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"istio-teleport/lab/go/sock-shop-stand-in/internal/serve"
)

// peer accepts connections, hands each to the given function, and returns the address.
func peer(t *testing.T, handle func(*net.TCPConn)) string {
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
			go handle(conn.(*net.TCPConn))
		}
	}()
	return listener.Addr().String()
}

// freePort is one that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func TestAPartOfTheShopAnswers(t *testing.T) {
	web, database := freePort(t), freePort(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = serve.Part(ctx, "user", []string{"http:" + web, "mysql:" + database}) }()
	targets := []string{"http://127.0.0.1:" + web, "mysql://127.0.0.1:" + database}
	var outcomes []Outcome
	for range 100 {
		var err error
		if outcomes, err = All(targets); err != nil {
			t.Fatal(err)
		}
		if outcomes[0].Result == OK && outcomes[1].Result == OK {
			break
		}
		time.Sleep(20 * time.Millisecond) // it has yet to listen
	}
	if want := (Outcome{Target: targets[0], Protocol: "http", Result: OK, Status: 200, Part: "user"}); outcomes[0] != want {
		t.Errorf("got %+v", outcomes[0])
	}
	if want := (Outcome{Target: targets[1], Protocol: "mysql", Result: OK, Greeting: true}); outcomes[1] != want {
		t.Errorf("got %+v", outcomes[1])
	}
}

func TestHowATryEnds(t *testing.T) {
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "RBAC: access denied", http.StatusForbidden)
	}))
	t.Cleanup(denied.Close)
	closes := peer(t, func(conn *net.TCPConn) {
		_, _ = conn.Read(make([]byte, 4096))
		conn.Close()
	})
	resets := peer(t, func(conn *net.TCPConn) {
		_, _ = conn.Read(make([]byte, 4096))
		_ = conn.SetLinger(0)
		conn.Close()
	})
	silent := peer(t, func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) })
	babbles := peer(t, func(conn *net.TCPConn) {
		_, _ = io.WriteString(conn, strings.Repeat("?", 64))
		_, _ = io.Copy(io.Discard, conn)
	})
	nobody := "127.0.0.1:" + freePort(t)

	for _, test := range []struct {
		target string
		result Result
		status int
	}{
		{"http://" + denied.Listener.Addr().String(), Status, http.StatusForbidden},
		{"http://" + closes, Closed, 0},
		{"http://" + resets, Reset, 0},
		{"http://" + silent, Timeout, 0},
		{"http://" + babbles, Malformed, 0},
		{"http://" + nobody, Unreachable, 0},
		{"redis://" + closes, Closed, 0},
		{"redis://" + resets, Reset, 0},
		{"redis://" + silent, Timeout, 0},
		{"redis://" + babbles, Malformed, 0},
		{"redis://" + nobody, Unreachable, 0},
		{"mysql://" + silent, Timeout, 0},
	} {
		t.Run(test.target, func(t *testing.T) {
			t.Parallel()
			parsed, err := url.Parse(test.target)
			if err != nil {
				t.Fatal(err)
			}
			outcome := try(parsed, 300*time.Millisecond)
			if outcome.Result != test.result || outcome.Status != test.status {
				t.Errorf("got %+v", outcome)
			}
			if failed := outcome.Result != Status; failed != (outcome.Error != "") {
				t.Errorf("the error is %q", outcome.Error)
			}
		})
	}
}

func TestTargetsAreRefused(t *testing.T) {
	for _, target := range []string{"carts:80", "ftp://carts:80", "http://carts", "mysql://carts-db"} {
		if _, err := All([]string{target}); err == nil {
			t.Errorf("%s is taken", target)
		}
	}
}

// Package serve plays one part of Sock Shop on its ports.
package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"istio-teleport/lab/go/sock-shop-stand-in/internal/wire"
)

// Answer is what every HTTP request gets, with status 200.
type Answer struct {
	Part   string `json:"part"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// What the sidecar says of the caller's certificate (X-Forwarded-Client-Cert); empty for a caller without one.
	ClientCertificate string `json:"clientCertificate"`
}

// Part listens on ports written as PROTOCOL:PORT until the context ends. It returns an error when a protocol is
// unknown or a port cannot be opened.
func Part(ctx context.Context, part string, ports []string) error {
	for _, written := range ports {
		protocol, port, _ := strings.Cut(written, ":")
		serve, err := server(part, protocol)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return fmt.Errorf("%s: %w", written, err)
		}
		defer listener.Close()
		go serve(listener)
		log.Printf("%s: %s on port %s", part, protocol, port)
	}
	<-ctx.Done()
	return nil
}

func server(part, protocol string) (func(net.Listener), error) {
	if protocol == "http" {
		return func(listener net.Listener) { _ = http.Serve(listener, handler(part)) }, nil
	}
	spoken, known := wire.Protocols[protocol]
	if !known {
		return nil, fmt.Errorf("%q is no protocol of Sock Shop", protocol)
	}
	return func(listener net.Listener) { accept(listener, spoken) }, nil
}

func handler(part string) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		response.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(response).Encode(Answer{
			Part:              part,
			Method:            request.Method,
			Path:              request.URL.Path,
			ClientCertificate: request.Header.Get("X-Forwarded-Client-Cert"),
		})
	})
}

func accept(listener net.Listener, spoken wire.Protocol) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed: the program ends
		}
		go func() {
			defer conn.Close()
			if err := spoken.Serve(conn); err != nil {
				log.Printf("%s: %v", conn.RemoteAddr(), err)
			}
		}()
	}
}

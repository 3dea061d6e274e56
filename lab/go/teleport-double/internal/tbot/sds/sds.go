// Package sds serves Envoy's Secret Discovery Service (Teleport
// lib/tbot/internal/sds/handler.go).
package sds

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secret "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

// FetchSVIDs issues fresh SVIDs for the caller of a stream.
type FetchSVIDs func(ctx context.Context, bundle *x509bundle.Bundle) ([]*workload.X509SVID, error)

// Authenticate attests the caller of a stream, once, and returns how to get its
// SVIDs.
type Authenticate func(ctx context.Context) (*slog.Logger, FetchSVIDs, error)

// Handler is the service.
type Handler struct {
	secret.UnimplementedSecretDiscoveryServiceServer

	Authenticate    Authenticate
	Bundle          func(ctx context.Context) (*trustbundle.Bundle, error)
	RenewalInterval time.Duration
}

// FetchSecrets answers once. Only here a minimum version of Envoy is asked for.
func (h *Handler) FetchSecrets(ctx context.Context, request *discovery.DiscoveryRequest) (*discovery.DiscoveryResponse, error) {
	if err := checkEnvoyVersion(request); err != nil {
		return nil, err
	}
	_, fetchSVIDs, err := h.Authenticate(ctx)
	if err != nil {
		return nil, trace.Wrap(err, "authenticating client")
	}
	bundle, err := h.Bundle(ctx)
	if err != nil {
		return nil, trace.Wrap(err, "getting trust bundle set")
	}
	issued, err := fetchSVIDs(ctx, bundle.Local)
	if err != nil {
		return nil, trace.Wrap(err, "fetching X509 SVIDs")
	}
	return respond(request, issued, bundle.Local)
}

// DeltaSecrets is not implemented, in tbot either.
func (h *Handler) DeltaSecrets(secret.SecretDiscoveryService_DeltaSecretsServer) error {
	return status.Error(codes.Unimplemented, "method not implemented")
}

// StreamSecrets answers the first request, then every change of the asked names,
// of the bundle and every renewal interval. It issues an SVID whatever is asked
// for, so an Envoy with one stream for its certificate and one for the bundle
// costs two.
func (h *Handler) StreamSecrets(server secret.SecretDiscoveryService_StreamSecretsServer) error {
	ctx := server.Context()
	log, fetchSVIDs, err := h.Authenticate(ctx)
	if err != nil {
		return trace.Wrap(err, "authenticating client")
	}
	log.Debug("SecretDiscoveryService.StreamSecrets stream started")
	defer log.Debug("SecretDiscoveryService.StreamSecrets stream finished")
	bundle, err := h.Bundle(ctx)
	if err != nil {
		return trace.Wrap(err, "getting trust bundle set")
	}
	renewal := time.NewTimer(h.RenewalInterval)
	renewal.Stop()
	defer renewal.Stop()
	s := &stream{server: server, log: log, renewal: renewal, interval: h.RenewalInterval}
	requests, failures := receive(server)
	for {
		select {
		case err := <-failures:
			if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
				return nil
			}
			return trace.Wrap(err)
		case request := <-requests:
			if !s.accept(request) {
				continue
			}
		case <-bundle.Stale():
			newer, err := h.Bundle(ctx)
			if err != nil {
				return trace.Wrap(err, "getting trust bundle set")
			}
			if !newer.Local.Equal(bundle.Local) {
				s.issued = nil
			}
			bundle = newer
		case <-renewal.C:
			log.Debug("Renewing SVIDs for StreamSecrets stream")
			s.issued = nil
		}
		if s.issued == nil {
			if s.issued, err = fetchSVIDs(ctx, bundle.Local); err != nil {
				return trace.Wrap(err, "fetching X509 SVIDs")
			}
		}
		if err := s.send(bundle.Local); err != nil {
			return err
		}
	}
}

// receive moves requests into a channel until the client goes away.
func receive(server secret.SecretDiscoveryService_StreamSecretsServer) (<-chan *discovery.DiscoveryRequest, <-chan error) {
	requests := make(chan *discovery.DiscoveryRequest)
	failures := make(chan error, 1)
	go func() {
		for {
			request, err := server.Recv()
			if err != nil {
				failures <- err
				return
			}
			select {
			case requests <- request:
			case <-server.Context().Done():
				return
			}
		}
	}()
	return requests, failures
}

// stream is the state of one StreamSecrets call.
type stream struct {
	server   secret.SecretDiscoveryService_StreamSecretsServer
	log      *slog.Logger
	renewal  *time.Timer
	interval time.Duration

	issued       []*workload.X509SVID
	lastRequest  *discovery.DiscoveryRequest
	lastResponse *discovery.DiscoveryResponse
}

// accept reports whether the request needs an answer. After the first answer a
// request is an ACK or a NACK of the last one: with another nonce it is ignored,
// and it is answered only if it asks for other names. A NACK is only logged.
func (s *stream) accept(request *discovery.DiscoveryRequest) bool {
	if s.lastResponse == nil {
		s.lastRequest = request
		return true
	}
	if request.ErrorDetail != nil {
		s.log.Warn("Envoy was unable to apply previous discovery response", "error", request.ErrorDetail.Message)
	}
	if request.ResponseNonce != s.lastResponse.Nonce {
		s.log.Warn("Envoy sent a nonce which does not match the last response, ignoring request",
			"want", s.lastResponse.Nonce, "got", request.ResponseNonce)
		return false
	}
	changed := !sameElements(s.lastRequest.ResourceNames, request.ResourceNames)
	s.lastRequest = request
	return changed
}

func sameElements(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func (s *stream) send(bundle *x509bundle.Bundle) error {
	// A bundle that becomes stale before the first request makes tbot answer no
	// request at all: it reads a nil pointer, and its server turns that into this.
	if s.lastRequest == nil {
		return status.Error(codes.Internal, "runtime error: invalid memory address or nil pointer dereference")
	}
	response, err := respond(s.lastRequest, s.issued, bundle)
	if err != nil {
		return trace.Wrap(err, "generating response")
	}
	var nonce [4]byte
	// crypto/rand never fails.
	_, _ = rand.Read(nonce[:])
	response.Nonce = hex.EncodeToString(nonce[:])
	response.VersionInfo = time.Now().UTC().Format(time.RFC3339Nano)
	if err := s.server.Send(response); err != nil {
		return trace.Wrap(err, "sending response")
	}
	s.lastResponse = response
	s.log.Debug("Sent StreamSecrets DiscoveryResponse",
		"resources_len", len(response.Resources), "nonce", response.Nonce, "version_info", response.VersionInfo)
	s.renewal.Reset(s.interval)
	return nil
}

// checkEnvoyVersion wants 1.18, the first with the SPIFFE certificate validator.
// A client that does not say its version passes.
func checkEnvoyVersion(request *discovery.DiscoveryRequest) error {
	version := request.GetNode().GetUserAgentBuildVersion().GetVersion()
	if version == nil || version.MajorNumber > 1 || version.MinorNumber >= 18 {
		return nil
	}
	return trace.BadParameter("minimum supported version of envoy supported by the tbot SDS API is 1.18")
}

package sds

import (
	"encoding/pem"
	"maps"
	"slices"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/protobuf/types/known/anypb"
)

// Names with a meaning of their own, which Istio relies on.
const (
	// nameDefault is the first SVID, under this name.
	nameDefault = "default"
	// nameRootCA is the bundle of the local trust domain.
	nameRootCA = "ROOTCA"
	// nameAll is the bundles of all trust domains in one validation context.
	nameAll = "ALL"
)

// respond collects what the request asks for by name: "default", SPIFFE IDs,
// "ROOTCA", "ALL" or the trust domain's ID. No name at all asks for everything.
//
// Of the names for the local bundle only one is served, the first of: trust
// domain, ROOTCA, ALL. Names that are left over are an error: where no SVID was
// issued, Envoy sees "unknown resource names: [default]".
func respond(request *discovery.DiscoveryRequest, issued []*workload.X509SVID, bundle *x509bundle.Bundle) (*discovery.DiscoveryResponse, error) {
	wanted := map[string]bool{}
	for _, name := range request.ResourceNames {
		if name != "" {
			wanted[name] = true
		}
	}
	everything := len(wanted) == 0
	var resources []*anypb.Any
	add := func(message *tls.Secret) error {
		packed, err := anypb.New(message)
		if err != nil {
			return trace.Wrap(err)
		}
		resources = append(resources, packed)
		delete(wanted, message.Name)
		return nil
	}
	for i, svid := range issued {
		name := svid.SpiffeId
		if !everything && !wanted[name] {
			if i > 0 || !wanted[nameDefault] {
				continue
			}
			name = nameDefault
		}
		if err := add(certificate(name, svid)); err != nil {
			return nil, trace.Wrap(err, "creating TLS certificate")
		}
	}
	if name, ok := bundleName(wanted, everything, bundle); ok {
		context, err := validationContext(name, bundle)
		if err != nil {
			return nil, trace.Wrap(err, "creating TLS validation context")
		}
		if err := add(context); err != nil {
			return nil, trace.Wrap(err, "creating TLS validation context")
		}
	}
	if len(wanted) > 0 {
		return nil, trace.BadParameter("unknown resource names: %v", slices.Sorted(maps.Keys(wanted)))
	}
	return &discovery.DiscoveryResponse{TypeUrl: request.TypeUrl, Resources: resources}, nil
}

func bundleName(wanted map[string]bool, everything bool, bundle *x509bundle.Bundle) (string, bool) {
	trustDomain := bundle.TrustDomain().IDString()
	switch {
	case everything || wanted[trustDomain]:
		return trustDomain, true
	case wanted[nameRootCA]:
		return nameRootCA, true
	case wanted[nameAll]:
		return nameAll, true
	default:
		return "", false
	}
}

// certificate wraps the whole chain into one PEM block, as tbot does; the double
// issues no intermediates, so it is one certificate.
func certificate(name string, svid *workload.X509SVID) *tls.Secret {
	return &tls.Secret{
		Name: name,
		Type: &tls.Secret_TlsCertificate{TlsCertificate: &tls.TlsCertificate{
			CertificateChain: inline(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: svid.X509Svid})),
			PrivateKey:       inline(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: svid.X509SvidKey})),
		}},
	}
}

// validationContext uses Envoy's SPIFFE validator, which checks the peer's URI
// SAN against the trust domain; there is no plain trusted_ca.
func validationContext(name string, bundle *x509bundle.Bundle) (*tls.Secret, error) {
	authorities, err := bundle.Marshal()
	if err != nil {
		return nil, trace.Wrap(err, "marshaling trust bundle")
	}
	validator, err := anypb.New(&tls.SPIFFECertValidatorConfig{
		TrustDomains: []*tls.SPIFFECertValidatorConfig_TrustDomain{{
			Name:        bundle.TrustDomain().Name(),
			TrustBundle: inline(authorities),
		}},
	})
	if err != nil {
		return nil, trace.Wrap(err)
	}
	return &tls.Secret{
		Name: name,
		Type: &tls.Secret_ValidationContext{ValidationContext: &tls.CertificateValidationContext{
			CustomValidatorConfig: &core.TypedExtensionConfig{
				Name:        "envoy.tls.cert_validator.spiffe",
				TypedConfig: validator,
			},
		}},
	}, nil
}

func inline(bytes []byte) *core.DataSource {
	return &core.DataSource{Specifier: &core.DataSource_InlineBytes{InlineBytes: bytes}}
}

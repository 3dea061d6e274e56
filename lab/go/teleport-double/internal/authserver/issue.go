package authserver

import (
	"net/http"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/access"
	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/audit"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/issuance"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// maximumIssued is the most workload identities that one request may match.
const maximumIssued = 10

// issue signs X.509 SVIDs (Teleport
// lib/auth/machineid/workloadidentityv1/issuer_service.go). The workload's
// attributes are taken as tbot sends them: the server trusts the bot's
// attestation.
func (s *Server) issue(r *http.Request, request authapi.IssueRequest) (authapi.IssueResponse, error) {
	identity, err := s.authenticate(r)
	if err != nil {
		return authapi.IssueResponse{}, err
	}
	bot, err := s.bot(identity.BotName)
	if err != nil {
		return authapi.IssueResponse{}, err
	}
	roles, err := s.roles(identity.Roles)
	if err != nil {
		return authapi.IssueResponse{}, err
	}
	attrs := &attribute.Attrs{
		Workload: request.Workload,
		User: &attribute.User{
			Name:    bot.UserName(),
			IsBot:   true,
			BotName: identity.BotName,
			// The attribute bot_instance_id exists, and Teleport never sets it.
		},
		Join: identity.Join,
	}
	var decided []*issuance.Rendered
	switch {
	case request.Name != "" && len(request.Labels) > 0:
		return authapi.IssueResponse{}, trace.BadParameter("name and labels are mutually exclusive")
	case request.Name != "":
		decided, err = s.decideByName(request.Name, roles, attrs)
	case len(request.Labels) > 0:
		decided, err = s.decideByLabels(request.Labels, roles, attrs)
	default:
		return authapi.IssueResponse{}, trace.BadParameter("label_selectors: at least one label selector must be specified")
	}
	if err != nil {
		return authapi.IssueResponse{}, err
	}
	return s.sign(request, identity, attrs, decided)
}

// decideByName fails when the one workload identity is not issued.
func (s *Server) decideByName(name string, roles access.Roles, attrs *attribute.Attrs) ([]*issuance.Rendered, error) {
	stored, err := s.resources.Get(resource.KindWorkloadIdentity, name)
	if err != nil {
		return nil, err
	}
	workloadIdentity := stored.(*resource.WorkloadIdentity)
	if err := roles.CheckRules(access.VerbRead); err != nil {
		return nil, err
	}
	if err := roles.CheckLabels(workloadIdentity); err != nil {
		return nil, err
	}
	decision, err := issuance.Decide(workloadIdentity, attrs)
	if err != nil {
		return nil, trace.Wrap(err, "workload identity failed evaluation")
	}
	return []*issuance.Rendered{decision}, nil
}

// decideByLabels leaves out in silence what the roles' labels don't reach and
// what is not issued for these attributes. The order is that of the resources'
// names.
func (s *Server) decideByLabels(selector map[string][]string, roles access.Roles, attrs *attribute.Attrs) ([]*issuance.Rendered, error) {
	if err := roles.CheckRules(access.VerbRead, access.VerbList); err != nil {
		return nil, err
	}
	stored, err := s.resources.List(resource.KindWorkloadIdentity)
	if err != nil {
		return nil, err
	}
	var decided []*issuance.Rendered
	for _, r := range stored {
		workloadIdentity := r.(*resource.WorkloadIdentity)
		if !access.MatchLabels(selector, workloadIdentity.Metadata.Labels) || roles.CheckLabels(workloadIdentity) != nil {
			continue
		}
		decision, err := issuance.Decide(workloadIdentity, attrs)
		if err != nil {
			s.log.Debug("Workload identity is not issued", "name", workloadIdentity.ResourceName(), "reason", err)
			continue
		}
		decided = append(decided, decision)
		if len(decided) > maximumIssued {
			return nil, trace.BadParameter(
				"number of identities that would be issued exceeds maximum permitted (max = %d), use more specific labels",
				maximumIssued)
		}
	}
	return decided, nil
}

func (s *Server) sign(request authapi.IssueRequest, identity botIdentity, attrs *attribute.Attrs, decided []*issuance.Rendered) (authapi.IssueResponse, error) {
	response := authapi.IssueResponse{Credentials: []authapi.Credential{}}
	for _, decision := range decided {
		name := decision.Identity.ResourceName()
		svid, err := issuance.SignX509(s.spiffeCA.Active(), s.clusterName, decision, request.PublicKey, request.RequestedTTL, s.now())
		if err != nil {
			return authapi.IssueResponse{}, trace.Wrap(err, "issuing X509 SVID for workload identity %q", name)
		}
		credential := authapi.Credential{
			WorkloadIdentity: name,
			SPIFFEID:         svid.ID.String(),
			Hint:             decision.Hint,
			Certificate:      svid.Certificate,
			SerialNumber:     authority.SerialString(svid.Serial),
			ExpiresAt:        svid.NotAfter,
			TTL:              svid.TTL,
		}
		if err := s.events.Emit(audit.Event{
			Type:             audit.TypeSPIFFESVIDIssued,
			Code:             audit.CodeSPIFFESVIDIssued,
			BotName:          identity.BotName,
			BotInstanceID:    identity.BotInstanceID,
			SPIFFEID:         credential.SPIFFEID,
			SVIDType:         "x509",
			SerialNumber:     credential.SerialNumber,
			Hint:             decision.Hint,
			DNSSANs:          decision.DNSSANs,
			NotAfter:         &credential.ExpiresAt,
			WorkloadIdentity: name,
			NameSelector:     request.Name,
			LabelSelectors:   request.Labels,
			Attributes:       attrs,
		}); err != nil {
			s.log.Warn("failed to emit audit event for SVID issuance", "error", err)
		}
		response.Credentials = append(response.Credentials, credential)
	}
	return response, nil
}

// roles loads roles. One that does not exist was accepted when the bot was
// created, and fails here.
func (s *Server) roles(names []string) (access.Roles, error) {
	var roles access.Roles
	for _, name := range names {
		stored, err := s.resources.Get(resource.KindRole, name)
		if trace.IsNotFound(err) {
			return nil, trace.NotFound("role %s is not found", name)
		}
		if err != nil {
			return nil, err
		}
		roles = append(roles, stored.(*resource.Role))
	}
	return roles, nil
}

func (s *Server) bundle(r *http.Request, _ struct{}) (authapi.BundleResponse, error) {
	if _, err := s.authenticate(r); err != nil {
		return authapi.BundleResponse{}, err
	}
	return s.currentBundle(), nil
}

func (s *Server) currentBundle() authapi.BundleResponse {
	return authapi.BundleResponse{TrustDomain: s.clusterName, X509Authorities: s.spiffeCA.Bundle()}
}

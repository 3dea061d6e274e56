package authserver

import (
	"net/http"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
)

// maximumImpersonation is the longest life that a bot may ask for (Teleport
// defaults.MaxRenewableCertTTL).
const maximumImpersonation = 24 * time.Hour

// impersonate gives a bot a credential with its roles, the one that may issue
// SVIDs (Teleport lib/auth/auth_with_roles.go, generateUserCerts with
// UseRoleRequests). Its end does not depend on the end of the bot's own credential.
func (s *Server) impersonate(r *http.Request, request authapi.ImpersonateRequest) (authapi.ImpersonateResponse, error) {
	identity, err := s.authenticate(r)
	if err != nil {
		return authapi.ImpersonateResponse{}, err
	}
	certificate, err := s.signImpersonated(identity, request)
	if err != nil {
		return authapi.ImpersonateResponse{}, err
	}
	return authapi.ImpersonateResponse{Certificate: certificate, HostAuthorities: s.hostAuthorities()}, nil
}

func (s *Server) signImpersonated(identity botIdentity, request authapi.ImpersonateRequest) ([]byte, error) {
	if identity.Impersonated {
		return nil, trace.AccessDenied("access denied: identity is not allowed to reissue certificates")
	}
	bot, err := s.bot(identity.BotName)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if request.Expires.Before(now) {
		return nil, trace.AccessDenied("access denied: client credentials have expired, please relogin.")
	}
	if len(bot.Spec.Roles) == 0 {
		return nil, trace.BadParameter("at least one role request is required")
	}
	roles, err := s.roles(bot.Spec.Roles)
	if err != nil {
		return nil, err
	}
	identity.Roles, identity.Impersonated = bot.Spec.Roles, true
	if err := s.checkLocks(identity); err != nil {
		return nil, err
	}
	ttl := roles.AdjustSessionTTL(min(request.Expires.Sub(now), maximumImpersonation))
	return signBotCertificate(s.hostCA, identity, bot.UserName(), request.PublicKey, now, now.Add(ttl))
}

package authserver

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/audit"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/joining"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// join gives a bot its credential (Teleport lib/auth/join.go). A join over a
// connection with a bot's valid credential keeps that bot's instance ID, any
// other one makes a new instance.
func (s *Server) join(r *http.Request, request authapi.JoinRequest) (authapi.JoinResponse, error) {
	identity, certificate, err := s.tryJoin(r.Context(), r, request)
	event := audit.Event{
		Type:          audit.TypeBotJoin,
		Code:          audit.CodeBotJoin,
		Success:       new(bool),
		TokenName:     request.TokenName,
		Method:        request.JoinMethod,
		BotName:       identity.BotName,
		BotInstanceID: identity.BotInstanceID,
	}
	if identity.Join != nil {
		event.Attributes = &attribute.Attrs{Join: identity.Join}
	}
	if err != nil {
		event.Code = audit.CodeBotJoinFailure
		event.Error = trace.UserMessage(err)
		s.log.Warn("Bot failed to join", "token", request.TokenName, "error", err)
	} else {
		*event.Success = true
		s.log.Info("Bot has joined", "bot", identity.BotName, "bot_instance_id", identity.BotInstanceID)
	}
	if emitError := s.events.Emit(event); emitError != nil {
		s.log.Warn("Failed to emit bot join event", "error", emitError)
	}
	if err != nil {
		return authapi.JoinResponse{}, err
	}
	return authapi.JoinResponse{
		ClusterName:     s.clusterName,
		Certificate:     certificate,
		HostAuthorities: s.hostAuthorities(),
	}, nil
}

func (s *Server) tryJoin(ctx context.Context, r *http.Request, request authapi.JoinRequest) (botIdentity, []byte, error) {
	token, err := s.joinToken(request)
	if err != nil {
		return botIdentity{}, nil, err
	}
	identity := botIdentity{BotName: token.Spec.BotName}
	kubernetes, err := joining.Kubernetes(ctx, s.now(), s.clusterName, token, request.IDToken)
	if err != nil {
		return identity, nil, err
	}
	identity.Join = &attribute.Join{
		Meta:       &attribute.JoinMeta{JoinTokenName: token.ResourceName(), JoinMethod: token.Spec.JoinMethod},
		Kubernetes: kubernetes,
	}
	bot, err := s.bot(token.Spec.BotName)
	if err != nil {
		return identity, nil, err
	}
	identity.BotInstanceID = uuid.NewString()
	if old, err := s.authenticate(r); err == nil && old.BotName == identity.BotName {
		identity.BotInstanceID = old.BotInstanceID
	}
	if err := s.checkLocks(identity); err != nil {
		return identity, nil, err
	}
	certificate, err := signBotCertificate(
		s.hostCA, identity, bot.UserName(), request.PublicKey, s.now(), s.credentialEnd(request.Expires, bot))
	if err == nil {
		s.lastJoins.Store(identity.BotName, identity.Join)
	}
	return identity, certificate, err
}

// joinToken finds the token and makes the checks that all join methods share.
func (s *Server) joinToken(request authapi.JoinRequest) (*resource.Token, error) {
	const role = "Bot"
	stored, err := s.resources.Get(resource.KindToken, request.TokenName)
	if err != nil {
		if !trace.IsNotFound(err) {
			return nil, err
		}
		return nil, tokenMissing(role)
	}
	token := stored.(*resource.Token)
	if expires := token.Metadata.Expires; expires != nil && s.now().After(*expires) {
		return nil, tokenMissing(role)
	}
	if !token.AllowsBots() {
		return nil, trace.BadParameter(`node "" [] can not join the cluster, the token does not allow %q role`, role)
	}
	if request.JoinMethod != token.Spec.JoinMethod {
		return nil, trace.AccessDenied(
			"this token is only valid for the %s join method but the node has connected to the wrong endpoint, make sure your node is configured to use the %s join method",
			token.Spec.JoinMethod, token.Spec.JoinMethod)
	}
	return token, nil
}

func tokenMissing(role string) error {
	return trace.AccessDenied(`"" can not join the cluster with role %q, token expired or not found`, role)
}

func (s *Server) bot(name string) (*resource.Bot, error) {
	stored, err := s.resources.Get(resource.KindBot, name)
	if trace.IsNotFound(err) {
		return nil, trace.NotFound("user %q not found", "bot-"+name)
	}
	if err != nil {
		return nil, err
	}
	return stored.(*resource.Bot), nil
}

// credentialEnd cuts what the bot asks for at its maximum session TTL, 12 h
// unless its resource says otherwise.
func (s *Server) credentialEnd(requested time.Time, bot *resource.Bot) time.Time {
	latest := s.now().Add(bot.MaxSessionTTL())
	if requested.IsZero() || requested.After(latest) {
		return latest
	}
	return requested
}

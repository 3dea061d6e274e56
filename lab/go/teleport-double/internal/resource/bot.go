package resource

import (
	"time"

	"github.com/gravitational/trace"
)

// Bot is `kind: bot, version: v1`.
type Bot struct {
	Kind     string    `json:"kind"`
	SubKind  string    `json:"sub_kind,omitempty"`
	Version  string    `json:"version"`
	Metadata *Metadata `json:"metadata"`
	Spec     *BotSpec  `json:"spec"`
}

// BotSpec names the bot's roles. They are not looked up when the bot is
// created.
type BotSpec struct {
	Roles         []string       `json:"roles,omitempty"`
	Traits        []Trait        `json:"traits,omitempty"`
	MaxSessionTTL *ProtoDuration `json:"max_session_ttl,omitempty"`
}

// Trait is one named list of values of the bot's user.
type Trait struct {
	Name   string   `json:"name,omitempty"`
	Values []string `json:"values,omitempty"`
}

// DefaultMaxSessionTTL limits a bot's own credential unless max_session_ttl
// says otherwise (Teleport defaults.DefaultBotMaxSessionTTL).
const DefaultMaxSessionTTL = 12 * time.Hour

// ResourceKind implements Resource.
func (b *Bot) ResourceKind() Kind { return KindBot }

// ResourceName implements Resource.
func (b *Bot) ResourceName() string {
	if b.Metadata == nil {
		return ""
	}
	return b.Metadata.Name
}

// UserName is the user, and the role of the same name, that a bot creates
// (Teleport services.BotResourceName).
func (b *Bot) UserName() string { return "bot-" + b.ResourceName() }

// MaxSessionTTL is the longest life of the bot's own credential.
func (b *Bot) MaxSessionTTL() time.Duration {
	if ttl := b.Spec.MaxSessionTTL.Duration(); ttl > 0 {
		return ttl
	}
	return DefaultMaxSessionTTL
}

// Validate implements Resource (Teleport
// lib/auth/machineid/machineidv1/bot_service.go).
func (b *Bot) Validate() error {
	switch {
	case b.Metadata == nil:
		return trace.BadParameter("metadata: must be non-nil")
	case b.Metadata.Name == "":
		return trace.BadParameter("metadata.name: must be non-empty")
	case b.Spec == nil:
		return trace.BadParameter("spec: must be non-nil")
	}
	for _, role := range b.Spec.Roles {
		if role == "" {
			return trace.BadParameter("spec.roles: must not contain empty strings")
		}
	}
	if b.Version == "" {
		b.Version = "v1"
	}
	return nil
}

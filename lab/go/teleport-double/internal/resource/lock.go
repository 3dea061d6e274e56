package resource

import (
	"strings"
	"time"

	"github.com/gravitational/trace"
)

// Lock is `kind: lock, version: v2`. It refuses everything to what it targets.
type Lock struct {
	Kind     string   `json:"kind"`
	SubKind  string   `json:"sub_kind,omitempty"`
	Version  string   `json:"version"`
	Metadata Metadata `json:"metadata"`
	Spec     LockSpec `json:"spec"`
}

// LockSpec says whom the lock holds, and how long.
type LockSpec struct {
	Target  LockTarget `json:"target"`
	Message string     `json:"message,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

// LockTarget matches an identity if all of its fields do. Of Teleport's targets
// only those are played that a bot can have.
type LockTarget struct {
	User          string `json:"user,omitempty"`
	Role          string `json:"role,omitempty"`
	BotInstanceID string `json:"bot_instance_id,omitempty"`
}

// String is protobuf's compact text, as Teleport's messages have it.
func (t LockTarget) String() string {
	var fields []string
	for _, field := range []struct{ name, value string }{
		{"User", t.User}, {"Role", t.Role}, {"BotInstanceID", t.BotInstanceID},
	} {
		if field.value != "" {
			fields = append(fields, field.name+`:"`+field.value+`"`)
		}
	}
	return strings.Join(fields, " ")
}

// InForce reports whether the lock still holds.
func (l *Lock) InForce(now time.Time) bool {
	return l.Spec.Expires == nil || now.Before(*l.Spec.Expires)
}

// ResourceKind implements Resource.
func (l *Lock) ResourceKind() Kind { return KindLock }

// ResourceName implements Resource.
func (l *Lock) ResourceName() string { return l.Metadata.Name }

// Validate implements Resource (Teleport api/types/lock.go, CheckAndSetDefaults).
func (l *Lock) Validate() error {
	if l.Version == "" {
		l.Version = "v2"
	}
	if l.Metadata.Name == "" {
		return trace.BadParameter("missing parameter Name")
	}
	if l.Spec.Target == (LockTarget{}) {
		return trace.BadParameter("at least one target field must be set")
	}
	return nil
}

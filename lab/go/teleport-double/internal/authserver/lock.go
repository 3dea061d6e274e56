package authserver

import (
	"slices"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// checkLocks refuses an identity that a lock targets (Teleport
// lib/services/lock.go). It is asked at each request, so a lock also ends
// credentials that were issued before.
func (s *Server) checkLocks(identity botIdentity) error {
	stored, err := s.resources.List(resource.KindLock)
	if err != nil {
		return err
	}
	for _, r := range stored {
		lock := r.(*resource.Lock)
		if !lock.InForce(s.now()) || !targets(lock.Spec.Target, identity) {
			continue
		}
		message := "lock targeting " + lock.Spec.Target.String() + " is in force"
		if lock.Spec.Message != "" {
			message += ": " + lock.Spec.Message
		}
		return trace.AccessDenied("%s", message)
	}
	return nil
}

func targets(target resource.LockTarget, identity botIdentity) bool {
	return (target.User == "" || target.User == "bot-"+identity.BotName) &&
		(target.Role == "" || slices.Contains(identity.Roles, target.Role)) &&
		(target.BotInstanceID == "" || target.BotInstanceID == identity.BotInstanceID)
}

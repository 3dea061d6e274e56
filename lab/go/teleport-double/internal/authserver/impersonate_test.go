package authserver

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

func issuerWith(options string) string {
	return `{kind: role, version: v7, metadata: {name: issuer}, spec: {options: ` + options + `, allow: {
  workload_identity_labels: {env: [dev]}, rules: [{resources: [workload_identity], verbs: [list, read]}]}}}`
}

// Teleport lib/auth/auth_with_roles.go@00066f3506, generateUserCerts, and
// lib/services/role.go, AdjustSessionTTL: whoever has a bot's own credential may
// ask for a working one of up to 24 h, whatever is left of the first. Only
// options.max_session_ttl of a role limits it, the smallest of all roles.
func TestLifeOfAWorkingCredential(t *testing.T) {
	for _, c := range []struct {
		name          string
		options       string
		asked, wanted time.Duration
	}{
		{"the default of a role, 30 h, is above the maximum", "{}", 48 * time.Hour, 24 * time.Hour},
		{"limited by the role", "{max_session_ttl: 1h0m0s}", 48 * time.Hour, time.Hour},
		{"as asked", "{max_session_ttl: 1h0m0s}", time.Minute, time.Minute},
		{"never is no limit", "{max_session_ttl: never}", 48 * time.Hour, 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.create(t, issuerWith(c.options))
			f.create(t, `{kind: role, version: v7, metadata: {name: other}, spec: {}}`)
			f.create(t, `{kind: bot, version: v1, metadata: {name: istio-tbot}, spec: {roles: [issuer, other]}}`)
			join := f.joinRequest(t)
			join.Expires = time.Now().Add(time.Minute)
			bot := from(f.mustJoin(t, from(nil), join))
			checkEnd(t, f.mustImpersonate(t, bot, c.asked), c.wanted)

			stolen, err := f.steal(nil, authapi.StealRequest{BotName: "istio-tbot", TTL: c.asked.String()})
			if err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode([]byte(stolen.Certificate))
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			checkEnd(t, certificate, c.wanted)
			if !stolen.Expires.Equal(certificate.NotAfter) {
				t.Errorf("the answer says %s, the certificate %s", stolen.Expires, certificate.NotAfter)
			}
			f.createIdentity(t, "a", "{env: dev}", bySA)
			if _, err := f.issue(from(certificate), f.issueRequest(t, "a", nil)); err != nil {
				t.Errorf("a thief issues any name: %v", err)
			}
		})
	}
}

// Teleport lib/services/lock.go, LockInForceAccessDenied, and lib/auth/auth.go,
// verifyLocksForUserCerts: a lock refuses new credentials and ends those that are
// there.
func TestLocks(t *testing.T) {
	for _, c := range []struct {
		name, target, message string
		endsTheBot            bool
	}{
		{"the bot's user", "{user: bot-istio-tbot}", `lock targeting User:"bot-istio-tbot" is in force: stolen`, true},
		{"its role", "{role: issuer}", `lock targeting Role:"issuer" is in force: stolen`, false},
		{"user and another role", "{user: bot-istio-tbot, role: other}", "", false},
		{"another user", "{user: bot-other}", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.createIdentity(t, "a", "{env: dev}", bySA)
			bot := from(f.mustJoin(t, from(nil), f.joinRequest(t)))
			working := from(f.mustImpersonate(t, bot, time.Hour))
			f.create(t, `{kind: lock, version: v2, metadata: {name: l}, spec: {target: `+c.target+`, message: stolen}}`)
			check := func(what string, err error, refused bool) {
				t.Helper()
				if refused != (err != nil) || refused && (!trace.IsAccessDenied(err) || !strings.Contains(err.Error(), c.message)) {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err := f.issue(working, f.issueRequest(t, "a", nil))
			check("issue", err, c.message != "")
			_, err = f.impersonate(bot, authapi.ImpersonateRequest{PublicKey: publicKey(t), Expires: time.Now().Add(time.Hour)})
			check("impersonate", err, c.message != "")
			_, err = f.steal(nil, authapi.StealRequest{BotName: "istio-tbot", TTL: "1h"})
			check("steal", err, c.message != "")
			_, err = f.bundle(bot, struct{}{})
			check("the bot's own credential", err, c.endsTheBot)
			_, err = f.join(from(nil), f.joinRequest(t))
			check("join", err, c.endsTheBot)

			if err := f.resources.Delete(resource.KindLock, "l"); err != nil {
				t.Fatal(err)
			}
			f.create(t, `{kind: lock, version: v2, metadata: {name: l}, spec: {target: `+c.target+`, expires: "2020-01-01T00:00:00Z"}}`)
			_, err = f.issue(working, f.issueRequest(t, "a", nil))
			check("issue after the lock has expired", err, false)
		})
	}
}

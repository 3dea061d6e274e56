package authority

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/trace"
)

// history names each authority by the order in which it was first seen, so that
// a bundle reads "old new".
type history struct{ seen [][]byte }

func (h *history) names(t *testing.T, r *Rotating) string {
	t.Helper()
	var names []string
	for _, der := range r.Bundle() {
		index := slices.IndexFunc(h.seen, func(one []byte) bool { return string(one) == string(der) })
		if index < 0 {
			index = len(h.seen)
			h.seen = append(h.seen, der)
		}
		names = append(names, []string{"first", "second", "third"}[index])
	}
	if string(r.Active().Certificate().Raw) != string(r.Bundle()[0]) {
		t.Error("the authority that signs is not the bundle's first")
	}
	return strings.Join(names, " ")
}

func newRotating(t *testing.T, directory string) *Rotating {
	t.Helper()
	r, err := LoadOrCreateRotating(directory, "spiffe", Options{CommonName: "lab", TTL: time.Hour}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Teleport lib/auth/rotate.go, processRotationRequest: which authorities are
// trusted in each phase, the signing one first, over a restart after every step.
func TestRotation(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []Phase
		want  []string
	}{
		{"to the end",
			[]Phase{PhaseInit, PhaseUpdateClients, PhaseUpdateServers, PhaseStandby},
			[]string{"first second", "second first", "second first", "second"}},
		{"back from init",
			[]Phase{PhaseInit, PhaseRollback, PhaseStandby},
			[]string{"first second", "first second", "first"}},
		{"back from update_clients",
			[]Phase{PhaseInit, PhaseUpdateClients, PhaseRollback, PhaseStandby},
			[]string{"first second", "second first", "first second", "first"}},
		{"back from update_servers, and anew",
			[]Phase{PhaseInit, PhaseUpdateClients, PhaseUpdateServers, PhaseRollback, PhaseStandby, PhaseInit},
			[]string{"first second", "second first", "second first", "first second", "first", "first third"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			directory := t.TempDir()
			var h history
			h.names(t, newRotating(t, directory))
			for i, phase := range c.steps {
				r := newRotating(t, directory)
				if err := r.Rotate(phase, false); err != nil {
					t.Fatal(err)
				}
				restarted := newRotating(t, directory)
				if got, after := h.names(t, r), h.names(t, restarted); got != c.want[i] || after != c.want[i] {
					t.Errorf("%s: %q, after a restart %q, want %q", phase, got, after, c.want[i])
				}
				status := restarted.Status()
				if status.Phase != phase || status.Trusted != strings.Contains(c.want[i], " ") || status.LastRotated.IsZero() != !slices.Contains(c.steps[:i+1], PhaseStandby) {
					t.Errorf("%s: status %+v", phase, status)
				}
				entries, err := os.ReadDir(directory)
				if err != nil || len(entries) != 1+2*len(r.Bundle()) {
					t.Errorf("%s: key pairs of %d files for %q, %v", phase, len(entries), c.want[i], err)
				}
			}
		})
	}
}

// The same, gracePeriod == 0: no time in which both are trusted.
func TestForcedRotation(t *testing.T) {
	r := newRotating(t, t.TempDir())
	var h history
	h.names(t, r)
	if err := r.Rotate(PhaseInit, true); err != nil {
		t.Fatal(err)
	}
	if got := h.names(t, r); got != "second" || r.Status().Phase != PhaseStandby {
		t.Errorf("%q, %+v", got, r.Status())
	}
}

// The same: the transitions that are refused, and their words.
func TestRefusedTransitions(t *testing.T) {
	for _, c := range []struct {
		reached []Phase
		target  Phase
		message string
	}{
		{nil, PhaseUpdateClients, "can only switch to phase update_clients from init, current phase is standby"},
		{nil, PhaseRollback, `can not transition to phase "rollback" from "standby" phase.`},
		{nil, PhaseStandby, `can not transition to phase "standby" from "standby" phase.`},
		{nil, "done", `unsupported phase: "done"`},
		{[]Phase{PhaseInit}, PhaseInit, "can not initiate rotation while another is in progress"},
		{[]Phase{PhaseInit}, PhaseUpdateServers, "can only switch to phase update_servers from update_clients, current phase is init"},
		{[]Phase{PhaseInit}, PhaseStandby, `can not transition to phase "standby" from "init" phase.`},
		{[]Phase{PhaseInit, PhaseUpdateClients}, PhaseStandby, `can not transition to phase "standby" from "update_clients" phase.`},
		{[]Phase{PhaseInit, PhaseRollback}, PhaseUpdateClients, "can only switch to phase update_clients from init, current phase is rollback"},
	} {
		r := newRotating(t, t.TempDir())
		for _, phase := range c.reached {
			if err := r.Rotate(phase, false); err != nil {
				t.Fatal(err)
			}
		}
		before := r.Bundle()
		if err := r.Rotate(c.target, false); err == nil || trace.UserMessage(err) != c.message {
			t.Errorf("%v to %s: %v", c.reached, c.target, err)
		}
		if !slices.EqualFunc(before, r.Bundle(), func(a, b []byte) bool { return string(a) == string(b) }) {
			t.Errorf("%v to %s: a refused transition changed the bundle", c.reached, c.target)
		}
	}
}

package authority

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gravitational/trace"
)

// Phase is where a rotation is (Teleport api/types, RotationPhase*).
type Phase string

// The phases, in the order of a rotation; the way back from any but standby is
// by rollback.
const (
	PhaseStandby       Phase = "standby"
	PhaseInit          Phase = "init"
	PhaseUpdateClients Phase = "update_clients"
	PhaseUpdateServers Phase = "update_servers"
	PhaseRollback      Phase = "rollback"
)

// Rotating is an authority that can be replaced by another with a time in which
// both are trusted (Teleport lib/auth/rotate.go). Safe for concurrent use.
type Rotating struct {
	directory string
	name      string
	options   Options
	now       func() time.Time

	mu      sync.RWMutex
	state   rotationState
	active  *Authority
	trusted *Authority
}

// rotationState is kept in <directory>/<name>-rotation.json, and replaced in
// one step: the key pairs are beside it, each in files of its own name.
type rotationState struct {
	Phase Phase `json:"phase"`
	// Active signs. Trusted is empty outside a rotation.
	Active  string `json:"active"`
	Trusted string `json:"trusted,omitempty"`
	// Made counts the authorities there have been.
	Made        int       `json:"made"`
	LastRotated time.Time `json:"last_rotated,omitzero"`
}

// Status is what `tctl status` shows of an authority.
type Status struct {
	Phase Phase `json:"phase"`
	// LastRotated is zero before the first rotation ends.
	LastRotated time.Time `json:"last_rotated,omitzero"`
	// Trusted says that there is a second authority, which signs nothing.
	Trusted bool `json:"trusted"`
}

// LoadOrCreateRotating reads an authority and the state of its rotation, or
// makes them.
func LoadOrCreateRotating(directory, name string, options Options, now func() time.Time) (*Rotating, error) {
	r := &Rotating{directory: directory, name: name, options: options, now: now}
	state := rotationState{Phase: PhaseStandby, Active: name, Made: 1}
	text, err := os.ReadFile(r.statePath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, trace.ConvertSystemError(err)
	default:
		if err := json.Unmarshal(text, &state); err != nil {
			return nil, trace.Wrap(err, "reading %s", r.statePath())
		}
	}
	active, trusted, err := r.load(state)
	if err != nil {
		return nil, err
	}
	r.state, r.active, r.trusted = state, active, trusted
	return r, nil
}

// Active is the authority that signs.
func (r *Rotating) Active() *Authority {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.active
}

// Bundle holds the certificates (DER) that are trusted, the signing one first
// (Teleport api/types, GetTrustedTLSKeyPairs). The order matters: tbot compares
// bundles with their order, so that a phase which only swaps the two is a new
// bundle, and has all SVIDs issued anew.
func (r *Rotating) Bundle() [][]byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	bundle := [][]byte{r.active.Certificate().Raw}
	if r.trusted != nil {
		bundle = append(bundle, r.trusted.Certificate().Raw)
	}
	return bundle
}

// Status reports the rotation.
func (r *Rotating) Status() Status {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return Status{Phase: r.state.Phase, LastRotated: r.state.LastRotated, Trusted: r.trusted != nil}
}

// Rotate moves to a phase. With forced true, which only init takes, the new
// authority replaces the old one at once (Teleport's grace period of 0).
func (r *Rotating) Rotate(target Phase, forced bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.state
	switch target {
	case PhaseInit:
		if next.Phase != PhaseStandby {
			return trace.BadParameter("can not initiate rotation while another is in progress")
		}
		next.Made++
		made := fmt.Sprintf("%s-%d", r.name, next.Made)
		if forced {
			next.Active = made
		} else {
			next.Trusted = made
			next.Phase = PhaseInit
		}
	case PhaseUpdateClients:
		if next.Phase != PhaseInit {
			return onlyFrom(target, PhaseInit, next.Phase)
		}
		next.Active, next.Trusted = next.Trusted, next.Active
		next.Phase = target
	case PhaseUpdateServers:
		if next.Phase != PhaseUpdateClients {
			return onlyFrom(target, PhaseUpdateClients, next.Phase)
		}
		next.Phase = target
	case PhaseRollback:
		switch next.Phase {
		case PhaseInit:
		case PhaseUpdateClients, PhaseUpdateServers:
			next.Active, next.Trusted = next.Trusted, next.Active
		default:
			return noTransition(target, next.Phase)
		}
		next.Phase = target
	case PhaseStandby:
		if next.Phase != PhaseUpdateServers && next.Phase != PhaseRollback {
			return noTransition(target, next.Phase)
		}
		next.Trusted = ""
		next.Phase = target
		next.LastRotated = r.now().UTC()
	default:
		return trace.BadParameter("unsupported phase: %q", string(target))
	}
	return r.replace(next)
}

func onlyFrom(target, from, current Phase) error {
	return trace.BadParameter("can only switch to phase %v from %v, current phase is %v", target, from, current)
}

func noTransition(target, current Phase) error {
	return trace.BadParameter("can not transition to phase %q from %q phase.", string(target), string(current))
}

// replace writes the state down before it is used, and then removes the key
// pair that it no longer names.
func (r *Rotating) replace(next rotationState) error {
	previous := r.state
	text, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return trace.Wrap(err)
	}
	// The key pairs first: a state must not name one that isn't there.
	active, trusted, err := r.load(next)
	if err != nil {
		return err
	}
	temporary := r.statePath() + ".new"
	if err := os.WriteFile(temporary, append(text, '\n'), 0o600); err != nil {
		return trace.ConvertSystemError(err)
	}
	if err := os.Rename(temporary, r.statePath()); err != nil {
		return trace.ConvertSystemError(err)
	}
	r.state, r.active, r.trusted = next, active, trusted
	for _, name := range []string{previous.Active, previous.Trusted} {
		if name == "" || name == next.Active || name == next.Trusted {
			continue
		}
		for _, suffix := range []string{".crt", ".key"} {
			if err := os.Remove(filepath.Join(r.directory, name+suffix)); err != nil {
				return trace.ConvertSystemError(err)
			}
		}
	}
	return nil
}

// load reads the key pairs that the state names, or makes them. The second is
// nil outside a rotation.
func (r *Rotating) load(state rotationState) (active, trusted *Authority, err error) {
	if active, err = LoadOrCreate(r.directory, state.Active, r.options); err != nil || state.Trusted == "" {
		return active, nil, err
	}
	trusted, err = LoadOrCreate(r.directory, state.Trusted, r.options)
	return active, trusted, err
}

func (r *Rotating) statePath() string { return filepath.Join(r.directory, r.name+"-rotation.json") }

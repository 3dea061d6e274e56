package authserver

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
)

// signal wakes all that wait for it, each time that it fires.
type signal struct {
	mu    sync.Mutex
	fired chan struct{}
}

// wait returns a channel that the next fire closes.
func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fired == nil {
		s.fired = make(chan struct{})
	}
	return s.fired
}

func (s *signal) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fired != nil {
		close(s.fired)
		s.fired = nil
	}
}

// watch streams the trust bundle each time that it changes. Its first message is
// empty: it confirms that the watch is open, as Teleport's event OpInit does.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	if _, err := s.authenticate(r); err != nil {
		trace.WriteError(w, err)
		return
	}
	broken := s.watchesBroken.wait()
	changed := s.bundleChanged.wait()
	events := json.NewEncoder(w)
	flush := http.NewResponseController(w).Flush
	// Both fail only for a client that went away, and then the context ends.
	_, _ = events.Encode(authapi.WatchEvent{}), flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-broken:
			// Cuts the connection in the middle of the answer.
			panic(http.ErrAbortHandler)
		case <-changed:
			changed = s.bundleChanged.wait()
			current := s.currentBundle()
			_, _ = events.Encode(authapi.WatchEvent{Bundle: &current}), flush()
		}
	}
}

// BreakWatches cuts the connection of every open watch: what a restart of the
// Auth Service or of the proxy does, a load balancer that closes connections at
// some age, and disconnect_expired_cert. Every other request goes on.
func (s *Server) BreakWatches() {
	s.log.Info("Breaking all watches")
	s.watchesBroken.fire()
}

// BreakWatchesEvery does so again and again until ctx ends.
func (s *Server) BreakWatchesEvery(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.BreakWatches()
		}
	}
}

func (s *Server) breakWatches(*http.Request, struct{}) (struct{}, error) {
	s.BreakWatches()
	return struct{}{}, nil
}

// Package readiness keeps the health of tbot's services and serves it under
// /readyz (Teleport lib/tbot/readyz).
package readiness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Status is the health of a service.
type Status string

// The statuses, as /readyz prints them.
const (
	Initializing Status = "initializing"
	Healthy      Status = "healthy"
	Unhealthy    Status = "unhealthy"
)

func (s Status) httpCode() int {
	if s == Healthy {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

type serviceStatus struct {
	Status    Status     `json:"status"`
	Reason    string     `json:"reason,omitempty"`
	UpdatedAt *time.Time `json:"updated_at"`
}

type overallStatus struct {
	Status   Status                   `json:"status"`
	Services map[string]serviceStatus `json:"services"`
}

// Registry holds the health of all services.
type Registry struct {
	mu       sync.Mutex
	services map[string]serviceStatus
	// reported is closed once every service has said something.
	reported chan struct{}
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{services: map[string]serviceStatus{}, reported: make(chan struct{})}
}

// Report changes a service's health. The reason is empty for a healthy one.
type Report func(status Status, reason string)

// Add registers a service, not healthy until it reports. All services must be
// added before the first one reports.
func (r *Registry) Add(name string) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services[name] = serviceStatus{Status: Initializing}
	return func(status Status, reason string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		now := time.Now()
		r.services[name] = serviceStatus{Status: status, Reason: reason, UpdatedAt: &now}
		r.closeWhenAllReported()
	}
}

// AllReported is closed when every service has reported once; the first
// heartbeat waits for it.
func (r *Registry) AllReported() <-chan struct{} { return r.reported }

func (r *Registry) closeWhenAllReported() {
	for _, service := range r.services {
		if service.Status == Initializing {
			return
		}
	}
	select {
	case <-r.reported:
	default:
		close(r.reported)
	}
}

func (r *Registry) overall() overallStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	overall := overallStatus{Status: Healthy, Services: map[string]serviceStatus{}}
	for name, service := range r.services {
		overall.Services[name] = service
		if service.Status != Healthy {
			overall.Status = Unhealthy
		}
	}
	return overall
}

// Handler serves /readyz and /readyz/<service>: 200 when healthy, 503 when not,
// 404 for a name that is no service.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		overall := r.overall()
		writeJSON(w, overall.Status.httpCode(), overall)
	})
	mux.HandleFunc("/readyz/{service}", func(w http.ResponseWriter, request *http.Request) {
		name := request.PathValue("service")
		service, ok := r.overall().Services[name]
		if !ok {
			message := fmt.Sprintf("Service named %q not found.", name)
			writeJSON(w, http.StatusNotFound, map[string]string{"error": message})
			return
		}
		writeJSON(w, service.Status.httpCode(), service)
	})
	return mux
}

func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	// A client that went away is nobody's loss.
	_ = encoder.Encode(value)
}

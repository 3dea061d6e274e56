package diagnostics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
)

func get(t *testing.T, handler http.Handler, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}

// Teleport lib/tbot/internal/diagnostics/service.go and lib/tbot/readyz.
func TestHandler(t *testing.T) {
	registry := readiness.NewRegistry()
	identity, api := registry.Add("identity"), registry.Add("workload-identity-api-1")
	handler := Handler(registry)
	check := func(path string, code int, contains string) {
		t.Helper()
		gotCode, body := get(t, handler, path)
		if gotCode != code || !strings.Contains(body, contains) {
			t.Errorf("%s: %d %q, want %d %q", path, gotCode, body, code, contains)
		}
	}
	check("/livez", 200, "OK")
	check("/readyz", 503, `"status": "unhealthy"`)
	check("/readyz/identity", 503, `"status": "initializing"`)
	identity(readiness.Healthy, "")
	check("/readyz/identity", 200, `"status": "healthy"`)
	check("/readyz", 503, `"workload-identity-api-1"`)
	select {
	case <-registry.AllReported():
		t.Error("all have reported, it says, and one has not")
	default:
	}
	api(readiness.Healthy, "")
	<-registry.AllReported()
	check("/readyz", 200, `"status": "healthy"`)
	identity(readiness.Unhealthy, "renewing identity")
	check("/readyz", 503, `"reason": "renewing identity"`)
	check("/readyz/workload-identity-api-1", 200, "healthy")
	// A service that recovers is healthy again (PR 64418, PR 65258).
	identity(readiness.Healthy, "")
	check("/readyz", 200, "healthy")
	check("/readyz/nobody", 404, `Service named \"nobody\" not found.`)
	check("/livez", 200, "OK")
	check("/metrics", 200, "go_goroutines")
	check("/metrics", 200, `teleport_build_info{version="18.11.0+teleport-double"} 1`)
	for _, path := range []string{"/", "/healthz", "/debug/pprof/"} {
		check(path, 404, "I'm a little tbot")
	}
}

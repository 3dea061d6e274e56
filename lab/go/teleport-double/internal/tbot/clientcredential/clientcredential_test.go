package clientcredential

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"istio-teleport/lab/go/teleport-double/internal/tbot/authclient"
)

func ready(s *Service) bool {
	select {
	case <-s.Ready():
		return true
	default:
		return false
	}
}

// failed reads tbot_task_iterations_failed{name="output-renewal"}.
func failed(t *testing.T) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "tbot_task_iterations_failed" {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if labels["name"] == "output-renewal" && labels["service"] == "client-credential-output" {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// Teleport lib/tbot/services/clientcredentials/service.go@07540a7d7f and
// lib/tbot/internal/loop.go@0da2fa0c43: asked for at once, 5 tries, and a renewal
// that fails leaves the old credential and shows in the metrics alone.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		failure := errors.New("role issuer is not found")
		var logged strings.Builder
		s := New(func(context.Context) (*authclient.Client, error) {
			tries++
			return authclient.New("localhost:1"), failure
		}, 20*time.Minute, slog.New(slog.NewTextHandler(&logged, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		go s.Run(ctx)
		before := failed(t)
		time.Sleep(time.Minute)
		if tries != 5 || ready(s) || failed(t) != before+1 {
			t.Errorf("%d tries, ready %t, %v failed iterations", tries, ready(s), failed(t)-before)
		}
		for _, want := range []string{"Task failed. Backing off and retrying", "generating identity", "role issuer is not found"} {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("log lacks %q", want)
			}
		}
		failure = nil
		time.Sleep(20 * time.Minute)
		first := s.Client()
		if !ready(s) || first == nil || tries != 6 {
			t.Errorf("ready %t after %d tries", ready(s), tries)
		}
		failure = errors.New("connection refused")
		time.Sleep(20 * time.Minute)
		if s.Client() != first || failed(t) != before+2 {
			t.Errorf("the old credential is gone, or %v failed iterations", failed(t)-before)
		}
		failure = nil
		time.Sleep(20 * time.Minute)
		if s.Client() == first {
			t.Error("no new credential")
		}
		cancel()
		synctest.Wait()
	})
}

package taskloop

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
)

type report struct {
	status readiness.Status
	reason string
}

// Teleport lib/tbot/internal/loop.go, with ExitOnRetryExhausted unset as in
// lib/tbot/internal/identity/service.go: 7 tries, then unhealthy, and on with
// the next interval.
func TestExhaustedRetriesDoNotEndTheLoop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tries := 0
	reports := make(chan report, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		Run(ctx, Task{
			Service: "identity", Name: "exhausted", Interval: 50 * time.Millisecond, RetryLimit: 7, FirstPause: 2,
			Do: func(context.Context) error {
				tries++
				if tries <= 7 {
					return errors.New("no luck")
				}
				return nil
			},
			Report: func(status readiness.Status, reason string) { reports <- report{status, reason} },
			Log:    slog.New(slog.DiscardHandler),
		})
	}()
	for _, want := range []report{{readiness.Unhealthy, "no luck"}, {readiness.Healthy, ""}} {
		select {
		case got := <-reports:
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		case <-done:
			t.Fatal("the loop has ended")
		case <-time.After(5 * time.Second):
			t.Fatal("no report")
		}
	}
	cancel()
	<-done
	if tries < 8 {
		t.Errorf("%d tries", tries)
	}
	for name, want := range map[string]float64{"tbot_task_iterations_total": 2, "tbot_task_iterations_failed": 1} {
		if got := counter(t, name, "identity", "exhausted"); got < want || (name == "tbot_task_iterations_failed" && got != want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestRetryWithinAnIteration(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	tries := 0
	Run(ctx, Task{
		Service: "heartbeat", Name: "retried", Interval: time.Hour, RetryLimit: 5, RunAtOnce: true, FirstPause: 2,
		Do: func(context.Context) error {
			tries++
			if tries < 3 {
				return errors.New("no luck")
			}
			return nil
		},
		Report: func(status readiness.Status, _ string) {
			if status != readiness.Healthy {
				t.Errorf("reported %s", status)
			}
			cancel()
		},
		Log: slog.New(slog.DiscardHandler),
	})
	if tries != 3 {
		t.Errorf("%d tries", tries)
	}
	if got := counter(t, "tbot_task_iterations_total", "heartbeat", "retried"); got != 1 {
		t.Errorf("%v iterations", got)
	}
}

// counter reads one counter of the default registry by its labels service and
// name.
func counter(t *testing.T, metric, service, name string) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.Metric {
			if label(m, "service") == service && label(m, "name") == name {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s{service=%q,name=%q}", metric, service, name)
	return 0
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.Label {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// Package taskloop repeats a task with retries and counts what happened
// (Teleport lib/tbot/internal/loop.go).
package taskloop

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
)

var labels = []string{"service", "name"}

var (
	iterations = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "tbot_task_iterations_total",
		Help: "Number of task iteration attempts, not counting retries",
	}, labels)
	successes = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tbot_task_iterations_successful",
		Help:    "Histogram of task iterations that ultimately succeeded, bucketed by number of retries before success",
		Buckets: []float64{0, 1, 2, 3, 4, 5},
	}, labels)
	failures = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "tbot_task_iterations_failed",
		Help: "Number of task iterations that ultimately failed, not counting retries",
	}, labels)
	durations = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tbot_task_iteration_duration_seconds",
		Help:    "Time between beginning and ultimate end of one task iteration regardless of outcome, including all retries",
		Buckets: prometheus.ExponentialBuckets(0.1, 1.75, 6),
	}, labels)
)

// Task is something that is done again and again.
type Task struct {
	// Service and Name are the labels of the metrics.
	Service string
	Name    string
	// Interval is from one start to the next.
	Interval time.Duration
	// RetryLimit is how often one iteration tries, with a growing pause of 1 s,
	// 2 s, 4 s and so on in between.
	RetryLimit int
	// RunAtOnce starts the first iteration without waiting an interval.
	RunAtOnce bool
	Do        func(ctx context.Context) error
	Report    readiness.Report
	Log       *slog.Logger
	// FirstPause is the pause after the first failed try; 0 stands for 1 s.
	FirstPause time.Duration
}

// Run repeats the task until ctx ends. An iteration whose tries all fail makes
// the service unhealthy, and the next interval is waited for: the process does
// not end. (tbot before lib/tbot/internal/identity, 18.0 and older, ended.)
func Run(ctx context.Context, task Task) {
	ticker := time.NewTicker(task.Interval)
	defer ticker.Stop()
	for first := true; ; first = false {
		if !first || !task.RunAtOnce {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
		task.iterate(ctx)
		if ctx.Err() != nil {
			return
		}
	}
}

func (t Task) iterate(ctx context.Context) {
	log := t.Log.With("task", t.Name)
	iterations.WithLabelValues(t.Service, t.Name).Inc()
	started := time.Now()
	retries, err := t.try(ctx, log)
	if ctx.Err() != nil {
		return
	}
	durations.WithLabelValues(t.Service, t.Name).Observe(time.Since(started).Seconds())
	if err != nil {
		t.Report(readiness.Unhealthy, err.Error())
		failures.WithLabelValues(t.Service, t.Name).Inc()
		log.Warn("All retry attempts exhausted. Will wait for next interval", "retry_limit", t.RetryLimit, "interval", t.Interval, "error", err)
		return
	}
	t.Report(readiness.Healthy, "")
	successes.WithLabelValues(t.Service, t.Name).Observe(float64(retries))
	log.Info("Task succeeded. Waiting interval", "interval", t.Interval)
}

// try returns how many retries it took, and the last error if none helped.
func (t Task) try(ctx context.Context, log *slog.Logger) (int, error) {
	pause := t.FirstPause
	if pause == 0 {
		pause = time.Second
	}
	for attempt := 1; ; attempt++ {
		log.Info("Attempting task", "attempt", attempt, "retry_limit", t.RetryLimit)
		err := t.Do(ctx)
		if err == nil || attempt == t.RetryLimit {
			return attempt - 1, err
		}
		wait := pause/2 + rand.N(pause/2+1)
		log.Warn("Task failed. Backing off and retrying", "attempt", attempt, "retry_limit", t.RetryLimit, "backoff", wait, "error", err)
		select {
		case <-ctx.Done():
			return attempt, ctx.Err()
		case <-time.After(wait):
		}
		pause *= 2
	}
}

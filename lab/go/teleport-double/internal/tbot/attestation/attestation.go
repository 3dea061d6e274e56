// Package attestation finds out who a calling process is (Teleport
// lib/tbot/workloadidentity/workloadattest).
package attestation

import (
	"context"
	"log/slog"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
)

// Attestor runs the configured attestors on a process.
type Attestor struct {
	unix       *unixAttestor
	kubernetes *kubernetesAttestor
	log        *slog.Logger
}

// New returns an attestor for a service's configuration. It reads the processes
// below /proc; HOST_PROC moves that for the Unix attestor only.
func New(attestors config.Attestors, getenv func(string) string, log *slog.Logger) *Attestor {
	a := &Attestor{unix: newUnixAttestor(attestors.Unix, getenv, log), log: log}
	if attestors.Kubernetes.Enabled {
		a.kubernetes = newKubernetesAttestor(attestors.Kubernetes.Kubelet, getenv, log)
	}
	return a
}

// Attest describes the process. A failure of the Unix attestor is the only
// error; that of the Kubernetes attestor is a warning, and the attributes come
// without workload.kubernetes.
func (a *Attestor) Attest(ctx context.Context, pid int) (*attribute.Workload, error) {
	unix, err := a.unix.attest(pid)
	if err != nil {
		return nil, err
	}
	workload := &attribute.Workload{Unix: unix}
	if a.kubernetes != nil {
		workload.Kubernetes, err = a.kubernetes.attest(ctx, pid)
		if err != nil {
			a.log.Warn("Failed to perform Kubernetes workload attestation", "error", err)
		}
	}
	return workload, nil
}

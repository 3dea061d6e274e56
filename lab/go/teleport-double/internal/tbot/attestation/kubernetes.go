package attestation

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/gravitational/trace"
	v1 "k8s.io/api/core/v1"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
)

// How long and how often the kubelet is asked again for a container that it does
// not report yet.
const (
	statusPatience   = 30 * time.Second
	statusFirstPause = 100 * time.Millisecond
	statusLastPause  = 2 * time.Second
)

// imageDigest is found anywhere in a container status's image ID.
var imageDigest = regexp.MustCompile(`sha256:[[:xdigit:]]{64}`)

// kubernetesAttestor finds the pod of a process by its cgroup and asks the
// kubelet about it (Teleport workloadattest/kubernetes_unix.go of 18.11, which
// knows native sidecars).
type kubernetesAttestor struct {
	kubelet kubelet
	proc    string
	// patience is statusPatience but in tests.
	patience time.Duration
	log      *slog.Logger
}

func newKubernetesAttestor(c config.Kubelet, getenv func(string) string, log *slog.Logger) *kubernetesAttestor {
	return &kubernetesAttestor{
		kubelet:  kubelet{config: c, getenv: getenv},
		proc:     "/proc",
		patience: statusPatience,
		log:      log,
	}
}

func (a *kubernetesAttestor) attest(ctx context.Context, pid int) (*attribute.Kubernetes, error) {
	identity, err := lookupContainer(a.proc, pid)
	if err != nil {
		return nil, trace.Wrap(err, "determining pod and container ID")
	}
	a.log.Debug("Found pod and container ID", "pod_id", identity.podUID, "container_id", identity.containerID)
	found, err := a.find(ctx, identity)
	if err != nil {
		return nil, trace.Wrap(err, "finding pod by ID")
	}
	pod := found.pod
	attested := &attribute.Kubernetes{
		Attested:       true,
		Namespace:      pod.Namespace,
		ServiceAccount: pod.Spec.ServiceAccountName,
		PodName:        pod.Name,
		PodUID:         string(pod.UID),
		Labels:         pod.Labels,
	}
	if status := found.status; status != nil {
		attested.Container = &attribute.Container{
			Name:        status.Name,
			Image:       status.Image,
			ImageDigest: imageDigest.FindString(status.ImageID),
			Type:        found.containerType,
		}
	}
	return attested, nil
}

// location is a pod and, if the kubelet reports it, the container in it.
type location struct {
	pod           *v1.Pod
	status        *v1.ContainerStatus
	containerType attribute.ContainerType
}

// find asks the kubelet until it reports the container. After 30 s it settles
// for the pod alone. A pod that the kubelet does not know fails at once, and so
// does any error.
func (a *kubernetesAttestor) find(ctx context.Context, identity containerIdentity) (location, error) {
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	for pause := statusFirstPause; ; pause = min(2*pause, statusLastPause) {
		found, err := a.tryFind(ctx, identity)
		if err != nil || found.status != nil {
			return found, err
		}
		a.log.Debug("Kubelet did not return expected container status; its state might be stale")
		select {
		case <-ctx.Done():
			return found, nil
		case <-time.After(pause):
		}
	}
}

func (a *kubernetesAttestor) tryFind(ctx context.Context, identity containerIdentity) (location, error) {
	list, err := a.kubelet.pods(ctx)
	if err != nil {
		return location{}, trace.Wrap(err, "listing all pods")
	}
	for i := range list.Items {
		if pod := &list.Items[i]; string(pod.UID) == identity.podUID {
			return locate(pod, identity.containerID)
		}
	}
	return location{}, trace.NotFound("pod %q not found", identity.podUID)
}

// locate accepts an init container only as a native sidecar: one that its spec
// restarts always. Ephemeral containers are not looked at.
func locate(pod *v1.Pod, containerID string) (location, error) {
	if status := statusOf(pod.Status.ContainerStatuses, containerID); status != nil {
		return location{pod: pod, status: status, containerType: attribute.ContainerTypeRegular}, nil
	}
	status := statusOf(pod.Status.InitContainerStatuses, containerID)
	if status == nil {
		return location{pod: pod}, nil
	}
	if !isNativeSidecar(pod, status.Name) {
		return location{}, trace.AccessDenied("container %q is not a native sidecar", status.Name)
	}
	return location{pod: pod, status: status, containerType: attribute.ContainerTypeInit}, nil
}

// statusOf compares container IDs without their scheme ("containerd://").
func statusOf(statuses []v1.ContainerStatus, containerID string) *v1.ContainerStatus {
	for i := range statuses {
		if _, id, _ := strings.Cut(statuses[i].ContainerID, "://"); id == containerID {
			return &statuses[i]
		}
	}
	return nil
}

func isNativeSidecar(pod *v1.Pod, name string) bool {
	for _, container := range pod.Spec.InitContainers {
		if container.Name == name {
			return container.RestartPolicy != nil && *container.RestartPolicy == v1.ContainerRestartPolicyAlways
		}
	}
	return false
}

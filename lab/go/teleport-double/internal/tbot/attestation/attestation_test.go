package attestation

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gravitational/trace"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
)

const (
	podUID      = "a1b2c3d4-0000-1111-2222-333344445555"
	containerID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	pid         = 4242
)

// Teleport workloadattest/container/{kubernetes,container_unix}.go.
func TestParseCgroupRoot(t *testing.T) {
	want := containerIdentity{podUID: podUID, containerID: containerID}
	systemdUID := strings.ReplaceAll(podUID, "-", "_")
	for root, fails := range map[string]string{
		"/kubepods/besteffort/pod" + podUID + "/" + containerID: "",
		"/kubepods/pod" + podUID + "/" + containerID:            "",
		"/../../pod" + podUID + "/" + containerID:               "",
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + systemdUID + ".slice/cri-containerd-" + containerID: "",
		"/":                           "searching for container ID",
		"/docker/" + containerID:      "searching for pod ID",
		"/kubepods/pod" + podUID:      "searching for container ID",
		"/pod1234/" + containerID:     "searching for pod ID",
		"/system.slice/kubelet.scope": "searching for container ID",
	} {
		got, err := parseCgroupRoot(root)
		switch {
		case fails == "" && (err != nil || got != want):
			t.Errorf("%s: %+v, %v", root, got, err)
		case fails != "" && (err == nil || !strings.Contains(err.Error(), fails)):
			t.Errorf("%s: got %v, want %q", root, err, fails)
		}
	}
}

// proc makes /proc/<pid> of a process in our pod.
func proc(t *testing.T, mountinfo string) string {
	t.Helper()
	directory := t.TempDir()
	process := filepath.Join(directory, strconv.Itoa(pid))
	if err := os.Mkdir(process, 0o700); err != nil {
		t.Fatal(err)
	}
	status := "Name:\tenvoy\nUid:\t0\t1337\t0\t0\nGid:\t0\t1338\t0\t0\n"
	for name, text := range map[string]string{"mountinfo": mountinfo, "status": status} {
		if err := os.WriteFile(filepath.Join(process, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// mountinfo is of cgroup v1, as the lab's containers see it: many mounts, and
// the first one of type cgroup is the one that counts.
const mountinfo = `1542 1330 0:325 / / rw,relatime master:5 - overlay overlay rw
1543 1542 0:327 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
1550 1549 0:40 /kubepods/besteffort/pod` + podUID + `/` + containerID + ` /sys/fs/cgroup/memory ro,nosuid shared:9 master:14 - cgroup cgroup rw,memory
1551 1549 0:41 /elsewhere /sys/fs/cgroup/cpu ro,nosuid master:15 - cgroup cgroup rw,cpu
`

func TestLookupContainer(t *testing.T) {
	want := containerIdentity{podUID: podUID, containerID: containerID}
	for name, text := range map[string]string{
		"cgroup v1": mountinfo,
		"cgroup v2": strings.ReplaceAll(mountinfo, "- cgroup cgroup", "- cgroup2 cgroup"),
	} {
		if got, err := lookupContainer(proc(t, text), pid); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := lookupContainer(t.TempDir(), pid); err == nil || !strings.Contains(err.Error(), "parsing mountinfo") {
		t.Errorf("no such process: %v", err)
	}
	// Teleport workloadattest/container/*.go, through k8s.io/mount-utils: one line
	// without its last field, and nothing after it is read.
	if _, err := lookupContainer(proc(t, "1 2 3:4 / / rw - ext4 /dev/x\n"+mountinfo), pid); err == nil || !strings.Contains(err.Error(), "expected at least 10, got 9") {
		t.Errorf("short line: %v", err)
	}
	if _, err := lookupContainer(proc(t, "1 2 3:4 / / rw - ext4 /dev/x rw\n"), pid); err == nil || !strings.Contains(err.Error(), `parsing cgroup mount (root: "")`) {
		t.Errorf("no cgroup mount: %v", err)
	}
}

// Teleport workloadattest/unix.go: the effective IDs; no process, no
// attestation; no executable (here no such file), only no path and no hash.
func TestUnix(t *testing.T) {
	var logged bytes.Buffer
	environment := map[string]string{"HOST_PROC": proc(t, mountinfo)}
	a := newUnixAttestor(config.Unix{}, func(name string) string { return environment[name] }, slog.New(slog.NewTextHandler(&logged, nil)))
	got, err := a.attest(pid)
	if err != nil {
		t.Fatal(err)
	}
	if *got != (attribute.Unix{Attested: true, PID: pid, UID: 1337, GID: 1338}) {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(logged.String(), "Failed to open workload executable for hashing") {
		t.Errorf("logged %q", logged.String())
	}
	if _, err := a.attest(pid + 1); err == nil {
		t.Error("a process that is not there was attested")
	}
}

// Teleport workloadattest/unix.go@176613d3ed: an executable that can't be read
// costs two lines at ERROR for each stream, and no attestation.
func TestUnreadableExecutable(t *testing.T) {
	var logged bytes.Buffer
	directory := proc(t, mountinfo)
	// A socket is no link and can't be opened: both errors, for root too.
	socket, err := net.Listen("unix", filepath.Join(directory, strconv.Itoa(pid), "exe"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	a := newUnixAttestor(config.Unix{}, func(string) string { return directory }, slog.New(slog.NewTextHandler(&logged, nil)))
	if got, err := a.attest(pid); err != nil || !got.Attested || got.BinaryPath != "" || got.BinaryHash != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if strings.Count(logged.String(), "level=ERROR") != 2 || !strings.Contains(logged.String(), "Failed to find workload executable") ||
		!strings.Contains(logged.String(), "Failed to open workload executable for hashing") {
		t.Errorf("logged %q", logged.String())
	}
}

func TestUnixHashesTheExecutable(t *testing.T) {
	for limit, hashed := range map[int64]bool{0: true, -1: true, 16: false} {
		var logged bytes.Buffer
		a := newUnixAttestor(config.Unix{BinaryHashMaxSizeBytes: limit}, func(string) string { return "" }, slog.New(slog.NewTextHandler(&logged, nil)))
		got, err := a.attest(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if (len(got.BinaryHash) == 64) != hashed || got.BinaryPath == "" {
			t.Errorf("limit %d: %+v", limit, got)
		}
		if strings.Contains(logged.String(), "input is larger than limit (16)") == hashed {
			t.Errorf("limit %d: logged %q", limit, logged.String())
		}
	}
}

// pod is ours as the kubelet lists it.
func pod(change func(*v1.Pod)) v1.Pod {
	p := v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "client-1", Namespace: "test-app", UID: podUID, Labels: map[string]string{"app": "client"}},
		Spec:       v1.PodSpec{ServiceAccountName: "client"},
		Status: v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{{
			Name: "istio-proxy", Image: "istio/proxyv2:lab", ContainerID: "containerd://" + containerID,
			ImageID: "docker.io/istio/proxyv2@sha256:" + containerID,
		}}},
	}
	change(&p)
	return p
}

func unchanged(*v1.Pod) {}

func asInitContainer(policy *v1.ContainerRestartPolicy) func(*v1.Pod) {
	return func(p *v1.Pod) {
		p.Status.InitContainerStatuses, p.Status.ContainerStatuses = p.Status.ContainerStatuses, nil
		p.Spec.InitContainers = []v1.Container{{Name: "istio-proxy", RestartPolicy: policy}}
	}
}

// kubeletServer is a kubelet; its answers are looked up by the number of the
// request, the last one again and again.
type kubeletServer struct {
	*httptest.Server
	requests atomic.Int64
	tokens   chan string
}

type answer struct {
	code int
	body string
}

func podList(t *testing.T, pods ...v1.Pod) answer {
	t.Helper()
	text, err := json.Marshal(v1.PodList{Items: pods})
	if err != nil {
		t.Fatal(err)
	}
	return answer{http.StatusOK, string(text)}
}

func startKubelet(t *testing.T, answers ...answer) *kubeletServer {
	t.Helper()
	k := &kubeletServer{tokens: make(chan string, 100)}
	k.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pods" {
			t.Errorf("tbot asked for %s", r.URL.Path)
		}
		k.tokens <- r.Header.Get("Authorization")
		number := int(k.requests.Add(1))
		a := answers[min(number, len(answers))-1]
		w.WriteHeader(a.code)
		fmt.Fprint(w, a.body)
	}))
	k.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(k.Close)
	return k
}

// attestor is configured for the kubelet, with its CA and a token.
func (k *kubeletServer) attestor(t *testing.T, change func(*config.Kubelet)) *kubernetesAttestor {
	t.Helper()
	host, port, err := net.SplitHostPort(k.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	c := config.Kubelet{SecurePort: number, CAPath: filepath.Join(directory, "ca.crt"), TokenPath: filepath.Join(directory, "token")}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw})
	for path, text := range map[string]string{c.CAPath: string(ca), c.TokenPath: "token-1"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change(&c)
	environment := map[string]string{"TELEPORT_NODE_NAME": host}
	a := newKubernetesAttestor(c, func(name string) string { return environment[name] }, slog.New(slog.DiscardHandler))
	a.proc = proc(t, mountinfo)
	a.patience = 500 * time.Millisecond
	return a
}

func asIs(*config.Kubelet) {}

// Teleport workloadattest/kubernetes_unix.go.
func TestKubernetes(t *testing.T) {
	always := v1.ContainerRestartPolicyAlways
	for _, c := range []struct {
		name          string
		change        func(*v1.Pod)
		containerType attribute.ContainerType
	}{
		{"container", unchanged, attribute.ContainerTypeRegular},
		// Since PR 69276 and 69353 (18.10.x of August 2026).
		{"native sidecar", asInitContainer(&always), attribute.ContainerTypeInit},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := startKubelet(t, podList(t, pod(c.change))).attestor(t, asIs).attest(t.Context(), pid)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Attested || got.Namespace != "test-app" || got.ServiceAccount != "client" || got.PodName != "client-1" ||
				got.PodUID != podUID || got.Labels["app"] != "client" {
				t.Errorf("got %+v", got)
			}
			want := attribute.Container{
				Name: "istio-proxy", Image: "istio/proxyv2:lab", ImageDigest: "sha256:" + containerID, Type: c.containerType}
			if got.Container == nil || *got.Container != want {
				t.Errorf("container %+v", got.Container)
			}
		})
	}
}

// A plain init container is refused, at once.
func TestInitContainerThatIsNoSidecar(t *testing.T) {
	k := startKubelet(t, podList(t, pod(asInitContainer(nil))))
	_, err := k.attestor(t, asIs).attest(t.Context(), pid)
	if err == nil || !strings.Contains(err.Error(), `container "istio-proxy" is not a native sidecar`) {
		t.Errorf("got %v", err)
	}
	if n := k.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// The status of a container comes late: it is waited for, with growing pauses.
func TestStaleKubelet(t *testing.T) {
	without := pod(func(p *v1.Pod) { p.Status.ContainerStatuses = nil })
	k := startKubelet(t, podList(t, without), podList(t, without), podList(t, pod(unchanged)))
	got, err := k.attestor(t, asIs).attest(t.Context(), pid)
	if err != nil || got.Container == nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := k.requests.Load(); n != 3 {
		t.Errorf("%d requests", n)
	}
}

// After the patience (30 s in life) the pod is attested without its container.
// An ephemeral container always ends here: its statuses are not looked at.
func TestContainerThatIsNeverReported(t *testing.T) {
	for name, change := range map[string]func(*v1.Pod){
		"no status": func(p *v1.Pod) { p.Status.ContainerStatuses = nil },
		"status of the run before": func(p *v1.Pod) {
			p.Status.ContainerStatuses[0].ContainerID = "containerd://" + strings.Repeat("f", 64)
		},
		"ephemeral": func(p *v1.Pod) {
			p.Status.EphemeralContainerStatuses, p.Status.ContainerStatuses = p.Status.ContainerStatuses, nil
		},
	} {
		k := startKubelet(t, podList(t, pod(change)))
		got, err := k.attestor(t, asIs).attest(t.Context(), pid)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.Attested || got.Container != nil || k.requests.Load() < 3 {
			t.Errorf("%s: %+v after %d requests", name, got, k.requests.Load())
		}
	}
}

// The status code is not looked at: what comes with 401 and 403 shows only in
// how its body decodes. A pod that is not listed fails at once.
func TestKubeletErrors(t *testing.T) {
	forbidden := `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"forbidden","code":403}`
	for _, c := range []struct {
		name   string
		answer answer
		change func(*config.Kubelet)
		fails  string
	}{
		{"401 in plain text", answer{http.StatusUnauthorized, "Unauthorized"}, asIs, "decoding response"},
		{"403 in plain text", answer{http.StatusForbidden, "Forbidden (user=x, verb=get, resource=nodes)"}, asIs, "decoding response"},
		{"403 as a Status", answer{http.StatusForbidden, forbidden}, asIs, `pod "` + podUID + `" not found`},
		{"pods of others", answer{http.StatusOK, `{"items":[]}`}, asIs, `pod "` + podUID + `" not found`},
		{"500 with a good body", answer{}, asIs, ""},
		{"no CA file", answer{}, func(c *config.Kubelet) { c.CAPath = "/nowhere/ca.crt" }, `reading CA file "/nowhere/ca.crt"`},
		{"CA file without a certificate", answer{}, func(c *config.Kubelet) { c.CAPath = c.TokenPath }, "failed to append CA cert"},
		{"no token file", answer{}, func(c *config.Kubelet) { c.TokenPath = "/nowhere/token" }, `reading token file "/nowhere/token"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.answer.code == 0 {
				c.answer = answer{http.StatusInternalServerError, podList(t, pod(unchanged)).body}
			}
			k := startKubelet(t, c.answer)
			a := k.attestor(t, c.change)
			a.patience = statusPatience
			started := time.Now()
			_, err := a.attest(t.Context(), pid)
			if time.Since(started) > statusPatience/10 {
				t.Errorf("took %s", time.Since(started))
			}
			switch {
			case c.fails == "" && err != nil:
				t.Error(err)
			case c.fails != "" && (err == nil || !strings.Contains(trace.UserMessage(err), c.fails)):
				t.Errorf("got %v, want %q", err, c.fails)
			}
			if n := k.requests.Load(); n > 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// The kubelet's certificate is checked unless skip_verify says otherwise, and
// then no CA file is needed.
func TestKubeletCertificate(t *testing.T) {
	k := startKubelet(t, podList(t, pod(unchanged)))
	untrusted := func(c *config.Kubelet) {
		directory := t.TempDir()
		if _, err := authority.LoadOrCreate(directory, "other", authority.Options{TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
		c.CAPath = filepath.Join(directory, "other.crt")
	}
	_, err := k.attestor(t, untrusted).attest(t.Context(), pid)
	if err == nil || !strings.Contains(err.Error(), "performing request") || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("untrusted: %v", err)
	}
	skip := func(c *config.Kubelet) { c.SkipVerify, c.CAPath = true, "/nowhere" }
	if _, err := k.attestor(t, skip).attest(t.Context(), pid); err != nil {
		t.Errorf("skip_verify: %v", err)
	}
}

// The token is read for every request, so rotated projected tokens work;
// anonymous sends none and needs no file.
func TestKubeletToken(t *testing.T) {
	k := startKubelet(t, podList(t, pod(unchanged)))
	var tokenPath string
	a := k.attestor(t, func(c *config.Kubelet) { tokenPath = c.TokenPath })
	for _, token := range []string{"token-1", "token-2"} {
		if err := os.WriteFile(tokenPath, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := a.attest(t.Context(), pid); err != nil {
			t.Fatal(err)
		}
		if got := <-k.tokens; got != "Bearer "+token {
			t.Errorf("got %q", got)
		}
	}
	anonymous := func(c *config.Kubelet) { c.Anonymous, c.TokenPath = true, "/nowhere" }
	if _, err := k.attestor(t, anonymous).attest(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	if got := <-k.tokens; got != "" {
		t.Errorf("anonymous sent %q", got)
	}
}

// The read-only port is plain HTTP, without a token and without a CA.
func TestReadOnlyPort(t *testing.T) {
	client, address, token, err := kubelet{
		config: config.Kubelet{ReadOnlyPort: 10255}, getenv: func(string) string { return "10.0.0.1" },
	}.connection()
	if err != nil || client == nil || token != "" || address.String() != "http://10.0.0.1:10255/pods" {
		t.Errorf("%s, %q, %v", address.String(), token, err)
	}
}

// TELEPORT_NODE_NAME is the host of the URL and the port is 10250. Unset, the
// host is empty, which dials the own network namespace.
func TestKubeletAddress(t *testing.T) {
	for node, want := range map[string]string{
		"10.0.0.1": "https://10.0.0.1:10250/pods", "node-1": "https://node-1:10250/pods",
		"fd00::1": "https://[fd00::1]:10250/pods", "": "https://:10250/pods",
	} {
		_, address, _, err := kubelet{
			config: config.Kubelet{SkipVerify: true, Anonymous: true},
			getenv: func(name string) string {
				if name == "TELEPORT_NODE_NAME" {
					return node
				}
				return "not asked for"
			},
		}.connection()
		if err != nil || address.String() != want {
			t.Errorf("%q: %s, %v", node, address.String(), err)
		}
	}
}

// Teleport workloadattest/attest.go: a failed Kubernetes attestation is a
// warning, a failed Unix attestation an error; without `enabled` nobody asks the
// kubelet.
func TestSoftAndHardFailures(t *testing.T) {
	k := startKubelet(t, answer{http.StatusUnauthorized, "Unauthorized"})
	var logged bytes.Buffer
	directory := proc(t, mountinfo)
	unix := newUnixAttestor(config.Unix{}, func(string) string { return directory }, slog.New(slog.DiscardHandler))
	a := &Attestor{unix: unix, kubernetes: k.attestor(t, asIs), log: slog.New(slog.NewTextHandler(&logged, nil))}
	got, err := a.Attest(t.Context(), pid)
	if err != nil || got.Unix == nil || got.Kubernetes != nil {
		t.Errorf("kubelet fails: %+v, %v", got, err)
	}
	if !strings.Contains(logged.String(), "Failed to perform Kubernetes workload attestation") {
		t.Errorf("logged %q", logged.String())
	}
	if _, err := a.Attest(t.Context(), pid+1); err == nil {
		t.Error("no process, but no error")
	}
	off := New(config.Attestors{}, func(string) string { return directory }, slog.New(slog.DiscardHandler))
	if got, err := off.Attest(t.Context(), pid); err != nil || got.Kubernetes != nil {
		t.Errorf("switched off: %+v, %v", got, err)
	}
}

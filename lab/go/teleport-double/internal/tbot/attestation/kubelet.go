package attestation

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/gravitational/trace"
	v1 "k8s.io/api/core/v1"

	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
)

const (
	// nodeNameEnvironment names the variable whose value becomes the host of the
	// kubelet's URL.
	nodeNameEnvironment = "TELEPORT_NODE_NAME"

	defaultSecurePort = 10250
	defaultTokenPath  = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	defaultCAPath     = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
	kubeletTimeout    = 10 * time.Second
)

// kubelet asks the node's kubelet for its pods (Teleport
// workloadattest/kubernetes_unix.go).
type kubelet struct {
	config config.Kubelet
	getenv func(string) string
}

// pods lists the pods of the node. The files of the CA and the token are read
// anew each time. The status code of the answer is not looked at: text that is
// no JSON fails to decode, and a JSON Status decodes into no pods at all.
func (k kubelet) pods(ctx context.Context) (*v1.PodList, error) {
	client, address, token, err := k.connection()
	if err != nil {
		return nil, trace.Wrap(err, "creating HTTP client")
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, trace.Wrap(err, "creating request")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, trace.Wrap(err, "performing request")
	}
	defer response.Body.Close()
	list := &v1.PodList{}
	if err := json.NewDecoder(response.Body).Decode(list); err != nil {
		return nil, trace.Wrap(err, "decoding response")
	}
	return list, nil
}

func (k kubelet) connection() (client *http.Client, address url.URL, token string, err error) {
	host := k.getenv(nodeNameEnvironment)
	if port := k.config.ReadOnlyPort; port != 0 {
		address := url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(port)), Path: "/pods"}
		return &http.Client{Timeout: kubeletTimeout}, address, "", nil
	}
	tlsConfig, err := k.tls()
	if err != nil {
		return nil, url.URL{}, "", err
	}
	if !k.config.Anonymous {
		path := cmp.Or(k.config.TokenPath, defaultTokenPath)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, url.URL{}, "", trace.Wrap(err, "reading token file %q", path)
		}
		token = string(text)
	}
	port := cmp.Or(k.config.SecurePort, defaultSecurePort)
	address = url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(port)), Path: "/pods"}
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig}, Timeout: kubeletTimeout}
	return client, address, token, nil
}

func (k kubelet) tls() (*tls.Config, error) {
	if k.config.SkipVerify {
		return &tls.Config{InsecureSkipVerify: true}, nil
	}
	path := cmp.Or(k.config.CAPath, defaultCAPath)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, trace.Wrap(err, "reading CA file %q", path)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, trace.BadParameter("failed to append CA cert from %q", path)
	}
	return &tls.Config{RootCAs: roots}, nil
}

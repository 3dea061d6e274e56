package endtoend

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	envoytls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
)

// logBuffer is a log that the test reads while tbot writes.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits until the log holds the text so many times.
func (b *logBuffer) await(t *testing.T, text string, times int) {
	t.Helper()
	for range 250 {
		if strings.Count(b.String(), text) >= times {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("not %d times in the log: %q\n%s", times, text, b.String())
}

// admin posts to the auth server's admin socket, as curl --unix-socket does.
func (c *cluster) admin(t *testing.T, path string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{Dial: func(string, string) (net.Conn, error) { return net.Dial("unix", c.adminSocket) }}}
	response, err := client.Post("http://double"+path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	client.CloseIdleConnections()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s", path, response.Status)
	}
}

// Teleport lib/tbot/workloadidentity/trust_bundle_cache.go@005d1d4081, crl_cache.go@09ff201212
// and lib/tbot/internal/carotation/service.go@08dbc3a86e: all three services notice
// at once that their connection was cut, and requests go on meanwhile.
func TestBrokenWatches(t *testing.T) {
	c := startCluster(t)
	c.mustCreate(t, roleAndBot+"---"+byUser)
	c.mustCreate(t, c.joinToken(t))
	c.serviceAccountToken(t, c.key)
	var logged logBuffer
	socket := c.startTbotWithLog(t, "{labels: {env: [dev]}}", slog.New(slog.NewTextHandler(&logged, nil)))
	logged.await(t, "Successfully initialized trust bundle cache", 1)
	logged.await(t, "Started watching for CA rotations", 1)
	bundles := sdsStream(t, socket, "ROOTCA")
	receiveSecret(t, bundles)

	// News come over the watch, without asking.
	if _, err := c.tctl(t, "", "auth", "rotate", "--type=spiffe", "--manual", "--phase=init"); err != nil {
		t.Fatal(err)
	}
	logged.await(t, "Processed update for trust bundle", 1)
	for certificates := 1; certificates < 2; {
		var validator envoytls.SPIFFECertValidatorConfig
		if err := receiveSecret(t, bundles).GetValidationContext().GetCustomValidatorConfig().GetTypedConfig().UnmarshalTo(&validator); err != nil {
			t.Fatal(err)
		}
		certificates = strings.Count(string(validator.TrustDomains[0].TrustBundle.GetInlineBytes()), "BEGIN CERTIFICATE")
	}

	c.admin(t, authapi.PathAdminBreakWatches)
	logged.await(t, "watcher closed", 1)
	logged.await(t, "receiving CRL stream data", 1)
	logged.await(t, "Error occurred whilst watching CA rotations. Waiting to retry", 1)
	receiveSecret(t, sdsStream(t, socket, "default"))
	// Its pause is at most 2 s; the other two wait for 10 s.
	logged.await(t, "Started watching for CA rotations", 2)
}

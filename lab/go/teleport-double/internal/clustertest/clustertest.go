// Package clustertest makes what whoever runs a Teleport cluster brings along,
// for tests: a certificate for the proxy, and teleport.yaml.
package clustertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Proxy is a proxy's certificate and the CA that signed it, as files.
type Proxy struct {
	Certificate, Key, Authority string
}

// NewProxy makes a CA in dir, and a certificate of it for 127.0.0.1.
func NewProxy(dir string) (Proxy, error) {
	p := Proxy{filepath.Join(dir, "proxy.crt"), filepath.Join(dir, "proxy.key"), filepath.Join(dir, "ca.crt")}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return p, err
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "web CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return p, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "proxy"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return p, err
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey)
	if err != nil {
		return p, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return p, err
	}
	for file, block := range map[string]pem.Block{
		p.Authority:   {Type: "CERTIFICATE", Bytes: authorityDER},
		p.Certificate: {Type: "CERTIFICATE", Bytes: leafDER},
		p.Key:         {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(&block), 0o600); err != nil {
			return p, err
		}
	}
	return p, nil
}

// TrustedProxy does the same for a TestMain, and makes this process trust the
// CA. It runs the tests and ends the process.
func TrustedProxy(m *testing.M, use func(Proxy)) {
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		panic(err)
	}
	proxy, err := NewProxy(dir)
	if err != nil {
		panic(err)
	}
	// Go reads the system's roots once in a process, so no single test can change them.
	os.Setenv("SSL_CERT_FILE", proxy.Authority)
	use(proxy)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// WriteConfig writes a teleport.yaml next to the data directory and returns its
// path.
func WriteConfig(t *testing.T, dataDir, clusterName, webListenAddr string, proxy Proxy) string {
	t.Helper()
	text := fmt.Sprintf(`version: v3
teleport: {data_dir: %q}
auth_service: {enabled: "yes", cluster_name: %q}
proxy_service:
  enabled: "yes"
  web_listen_addr: %q
  https_keypairs: [{cert_file: %q, key_file: %q}]
ssh_service: {enabled: "no"}
`, dataDir, clusterName, webListenAddr, proxy.Certificate, proxy.Key)
	path := filepath.Join(t.TempDir(), "teleport.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

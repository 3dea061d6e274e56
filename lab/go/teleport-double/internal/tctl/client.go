package tctl

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// client talks to the auth server's admin socket.
type client struct {
	http *http.Client
}

func newClient(socket string) *client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &client{http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// base is a name only; every connection goes to the socket.
const base = "http://auth"

func (c *client) status(ctx context.Context) (authapi.StatusResponse, error) {
	var response authapi.StatusResponse
	err := authapi.Call(ctx, c.http, http.MethodGet, base+authapi.PathAdminStatus, nil, &response)
	return response, err
}

func (c *client) rotate(ctx context.Context, request authapi.RotateRequest) error {
	return authapi.Call(ctx, c.http, http.MethodPost, base+authapi.PathAdminRotate, request, nil)
}

func (c *client) put(ctx context.Context, document json.RawMessage, force bool) error {
	request := authapi.PutRequest{Document: document, Force: force}
	return authapi.Call(ctx, c.http, http.MethodPut, base+authapi.PathAdminResources, request, nil)
}

// get reads one resource, or all of the kind when name is empty.
func (c *client) get(ctx context.Context, kind resource.Kind, name string) ([]json.RawMessage, error) {
	var response authapi.ListResponse
	err := authapi.Call(ctx, c.http, http.MethodGet, resourceURL(kind, name), nil, &response)
	return response.Documents, err
}

func (c *client) remove(ctx context.Context, kind resource.Kind, name string) error {
	return authapi.Call(ctx, c.http, http.MethodDelete, resourceURL(kind, name), nil, nil)
}

func resourceURL(kind resource.Kind, name string) string {
	address := base + authapi.PathAdminResources + "/" + string(kind)
	if name != "" {
		address += "/" + url.PathEscape(name)
	}
	return address
}

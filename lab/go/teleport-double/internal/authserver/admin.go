package authserver

import (
	"encoding/json"
	"net/http"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/buildversion"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// AdminHandler is the API for tctl. Whoever reaches it may do everything, so it
// belongs on a Unix socket that only its owner can open.
func (s *Server) AdminHandler() http.Handler {
	const one = authapi.PathAdminResources + "/{kind}/{name}"
	mux := http.NewServeMux()
	mux.Handle("GET "+authapi.PathAdminStatus, authapi.Handler(s.status))
	mux.Handle("POST "+authapi.PathAdminRotate, authapi.Handler(s.rotate))
	mux.Handle("POST "+authapi.PathAdminBreakWatches, authapi.Handler(s.breakWatches))
	mux.Handle("POST "+authapi.PathAdminSteal, authapi.Handler(s.steal))
	mux.Handle("PUT "+authapi.PathAdminResources, authapi.Handler(s.put))
	mux.Handle("GET "+authapi.PathAdminResources+"/{kind}", authapi.Handler(s.list))
	mux.Handle("GET "+one, authapi.Handler(s.get))
	mux.Handle("DELETE "+one, authapi.Handler(s.remove))
	return mux
}

func (s *Server) status(*http.Request, struct{}) (authapi.StatusResponse, error) {
	return authapi.StatusResponse{
		ClusterName:       s.clusterName,
		ServerVersion:     buildversion.Version(),
		SPIFFEAuthority:   s.spiffeCA.Status(),
		SPIFFEAuthorities: s.spiffeCA.Bundle(),
	}, nil
}

// rotate moves the SPIFFE authority's rotation to a phase. Of the rotation's
// modes only the manual one is played; a grace period of 0 replaces the
// authority at once in either.
func (s *Server) rotate(_ *http.Request, request authapi.RotateRequest) (struct{}, error) {
	if request.Type != authapi.AuthoritySPIFFE {
		return struct{}{}, trace.NotImplemented("rotation of the certificate authority %q is not supported by the double", request.Type)
	}
	phase := request.TargetPhase
	if phase == "" {
		phase = authority.PhaseInit
	}
	forced := phase == authority.PhaseInit && request.GracePeriod == 0
	if !request.Manual && !forced {
		return struct{}{}, trace.NotImplemented("semi-automatic rotation is not supported by the double: use --manual")
	}
	if err := s.spiffeCA.Rotate(phase, forced); err != nil {
		return struct{}{}, err
	}
	s.bundleChanged.fire()
	return struct{}{}, nil
}

func (s *Server) put(_ *http.Request, request authapi.PutRequest) (struct{}, error) {
	r, err := resource.Parse(request.Document)
	if err != nil {
		return struct{}{}, err
	}
	if err := r.Validate(); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.resources.Put(r, request.Force)
}

func (s *Server) list(r *http.Request, _ struct{}) (authapi.ListResponse, error) {
	kind, err := resource.KindFromName(r.PathValue("kind"))
	if err != nil {
		return authapi.ListResponse{}, err
	}
	resources, err := s.resources.List(kind)
	if err != nil {
		return authapi.ListResponse{}, err
	}
	return documents(resources)
}

func (s *Server) get(r *http.Request, _ struct{}) (authapi.ListResponse, error) {
	kind, err := resource.KindFromName(r.PathValue("kind"))
	if err != nil {
		return authapi.ListResponse{}, err
	}
	found, err := s.resources.Get(kind, r.PathValue("name"))
	if err != nil {
		return authapi.ListResponse{}, err
	}
	return documents([]resource.Resource{found})
}

func (s *Server) remove(r *http.Request, _ struct{}) (struct{}, error) {
	kind, err := resource.KindFromName(r.PathValue("kind"))
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.resources.Delete(kind, r.PathValue("name"))
}

func documents(resources []resource.Resource) (authapi.ListResponse, error) {
	response := authapi.ListResponse{Documents: []json.RawMessage{}}
	for _, r := range resources {
		text, err := json.Marshal(r)
		if err != nil {
			return authapi.ListResponse{}, trace.Wrap(err)
		}
		response.Documents = append(response.Documents, text)
	}
	return response, nil
}

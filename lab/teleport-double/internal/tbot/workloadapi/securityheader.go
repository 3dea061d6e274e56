package workloadapi

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// checkSecurityHeader refuses calls without the header that keeps a confused
// browser or proxy from reaching the API (SPIFFE Workload Endpoint, section 6.1).
func checkSecurityHeader(ctx context.Context) error {
	headers, _ := metadata.FromIncomingContext(ctx)
	if !slices.Equal(headers.Get("workload.spiffe.io"), []string{"true"}) {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	return nil
}

module istio-teleport/lab/go/pause

go 1.26

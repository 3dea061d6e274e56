module istio-teleport/lab/images/pause

go 1.26

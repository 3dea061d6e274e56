module istio-teleport/lab/go/sock-shop-stand-in

go 1.26

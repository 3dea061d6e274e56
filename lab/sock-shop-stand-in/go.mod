module istio-teleport/lab/sock-shop-stand-in

go 1.26

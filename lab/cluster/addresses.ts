/** Names and addresses inside the lab's network namespace; nothing outside it can see or reach them. */

export const NODE_NAME = "lab-node";
/** The node: kubelet, API server, DNS and the Teleport double listen here. */
export const NODE_IP = "10.200.0.1";
export const NODE_CIDR = `${NODE_IP}/24`;
export const POD_CIDR = "10.244.0.0/24";
export const SERVICE_CIDR = "10.96.0.0/16";
/** First address of SERVICE_CIDR, which the API server gives to Service `kubernetes`. */
export const KUBERNETES_SERVICE_IP = "10.96.0.1";
export const CLUSTER_DOMAIN = "cluster.local";
/** Kubernetes' default issuer of service account tokens for this cluster domain. */
export const SERVICE_ACCOUNT_ISSUER = `https://kubernetes.default.svc.${CLUSTER_DOMAIN}`;

export const API_SERVER_PORT = 6443;
export const API_SERVER_URL = `https://${NODE_IP}:${API_SERVER_PORT}`;
/** etcd is reached over plain HTTP: only processes of the lab's network namespace can. */
export const ETCD_URL = "http://127.0.0.1:2379";
export const ETCD_PEER_URL = "http://127.0.0.1:2380";

/** containerd's default socket; `/run` is the lab's own inside its mount namespace. */
export const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";

/** The cluster name of the Teleport double, and so the mesh's trust domain. */
export const TELEPORT_CLUSTER_NAME = "lab.teleport.example";
/** The name under which pods reach the Teleport double (CoreDNS answers NODE_IP). */
export const TELEPORT_HOST = "teleport.lab.internal";
export const TELEPORT_PORT = 3080;
/** Where CoreDNS says that it is well. */
export const COREDNS_HEALTH = "127.0.0.1:8053";

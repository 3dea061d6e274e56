import { join } from "node:path";
import { stringify } from "yaml";
import { labVersions } from "../build/versions.ts";
import type { LabPaths } from "../machine/paths.ts";
import {
  CLUSTER_DOMAIN,
  CONTAINERD_SOCKET,
  COREDNS_HEALTH,
  NODE_IP,
  NODE_NAME,
  POD_CIDR,
  TELEPORT_CLUSTER_NAME,
  TELEPORT_HOST,
  TELEPORT_PORT,
} from "./addresses.ts";

/** The sandbox image; containerd never pulls it. */
export const PAUSE_IMAGE = "lab.local/pause:lab";

/** File name (below `state/config`) → content, for every configuration file that the cluster's programs read. */
export function clusterConfig(paths: LabPaths): Readonly<Record<string, string>> {
  return {
    "authentication.yaml": stringify(authentication(paths)),
    "containerd.toml": containerd(paths),
    "cni/10-lab.conflist": JSON.stringify(cni(paths)),
    "kubelet.yaml": stringify(kubelet(paths)),
    "kube-proxy.yaml": stringify(kubeProxy(paths)),
    "teleport.yaml": stringify(teleport(paths), { version: "1.1" }),
    Corefile: corefile(paths),
    // Pods get kubelet's clusterDNS; those with hostNetwork or dnsPolicy Default get this file, which names no server.
    "resolv.conf": "# The lab has no name server but its own.\n",
  };
}

/** Anonymous requests see health only, as kubeadm and managed clusters have it; JWKS and issuer need authentication. */
function authentication(paths: LabPaths): unknown {
  return {
    // v1 came with Kubernetes 1.34.
    apiVersion: `apiserver.config.k8s.io/${labVersions(paths).kubernetes === "1.33" ? "v1beta1" : "v1"}`,
    kind: "AuthenticationConfiguration",
    anonymous: { enabled: true, conditions: ["/livez", "/readyz", "/healthz"].map((path) => ({ path })) },
  };
}

function containerd(paths: LabPaths): string {
  return `version = 3
root = "${join(paths.state, "containerd")}"
# The machine's own plugins, where it has any, are none of the lab's business.
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
  address = "${CONTAINERD_SOCKET}"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "${PAUSE_IMAGE}"

[plugins.'io.containerd.cri.v1.runtime']
  # Where root lacks CAP_SYS_RESOURCE, runc may not lower oom_score_adj and would end without a word.
  restrict_oom_score_adj = true
  # As containerd 1 and CRI-O have it: without root, port 80 is for pods only that ask for it.
  enable_unprivileged_ports = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
  # The second is for plugins that pods install, such as Istio's: the first is the machine's.
  bin_dirs = ["/usr/lib/cni", "${cniPrograms(paths)}"]
  conf_dir = "${cniConfiguration(paths)}"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = "/usr/sbin/runc"
  SystemdCgroup = false
`;
}

/** Where pods of the lab may install CNI plugins. */
export function cniPrograms(paths: LabPaths): string {
  return join(paths.state, "cni-bin");
}

/** Where containerd looks for the network configuration of pods. */
export function cniConfiguration(paths: LabPaths): string {
  return join(paths.config, "cni");
}

function cni(paths: LabPaths): unknown {
  const ipam = {
    type: "host-local",
    // Below the lab's own /run: addresses are free again after a restart, as the pods that held them are gone.
    dataDir: "/run/cni",
    ranges: [[{ subnet: POD_CIDR }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  return {
    cniVersion: "1.0.0",
    name: paths.name,
    plugins: [
      { type: "bridge", bridge: "cni0", isGateway: true, ipMasq: false, hairpinMode: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

function kubelet(paths: LabPaths): unknown {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: NODE_IP,
    tlsCertFile: join(paths.pki, "kubelet-server.crt"),
    tlsPrivateKeyFile: join(paths.pki, "kubelet-server.key"),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(paths.pki, "ca.crt") },
    },
    authorization: { mode: "Webhook" },
    readOnlyPort: 0,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    // 1.37 refuses to start on cgroup v1 machines without it; elsewhere it changes nothing.
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${paths.name}`,
    enforceNodeAllocatable: ["pods"],
    clusterDomain: CLUSTER_DOMAIN,
    clusterDNS: [NODE_IP],
    resolvConf: join(paths.config, "resolv.conf"),
    podLogsDir: join(paths.log, "pods"),
    // Tests read the access logs of a whole load; `kubectl logs` ends at the last rotated file.
    containerLogMaxSize: "100Mi",
    // No registry to get an image back from: never collect one, and evict only when it can't be helped.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    nodeStatusUpdateFrequency: "5s",
  };
}

function kubeProxy(paths: LabPaths): unknown {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: join(paths.config, "kube-proxy.kubeconfig") },
    clusterCIDR: POD_CIDR,
    hostnameOverride: NODE_NAME,
    healthzBindAddress: `${NODE_IP}:10256`,
    metricsBindAddress: "127.0.0.1:10249",
    // conntrack's limits belong to the machine, not to a network namespace: leave them.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
}

/**
 * Auth and Proxy Service on one address, with TLS routing (docs, reference/deployment/config). Text in quotes where YAML 1.1,
 * which Teleport reads, has booleans. People log in nowhere; the second factor is what a cluster must have.
 */
function teleport(paths: LabPaths): unknown {
  return {
    version: "v3",
    teleport: {
      nodename: NODE_NAME,
      data_dir: paths.teleportData,
      log: { output: "stderr", severity: "INFO" },
    },
    auth_service: {
      enabled: "yes",
      cluster_name: TELEPORT_CLUSTER_NAME,
      listen_addr: `${NODE_IP}:3025`,
      proxy_listener_mode: "multiplex",
      authentication: { type: "local", second_factors: ["webauthn"], webauthn: { rp_id: TELEPORT_HOST } },
    },
    proxy_service: {
      enabled: "yes",
      web_listen_addr: `${NODE_IP}:${TELEPORT_PORT}`,
      public_addr: `${TELEPORT_HOST}:${TELEPORT_PORT}`,
      https_keypairs: [
        { key_file: join(paths.pki, "teleport-proxy.key"), cert_file: join(paths.pki, "teleport-proxy.crt") },
      ],
    },
    ssh_service: { enabled: "no" },
  };
}

/** Separate server blocks: within one, CoreDNS would answer NXDOMAIN (template) before it looks at the others. */
function corefile(paths: LabPaths): string {
  return `${CLUSTER_DOMAIN}:53 in-addr.arpa:53 ip6.arpa:53 {
    bind ${NODE_IP}
    errors
    kubernetes ${CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {
        kubeconfig ${join(paths.config, "coredns.kubeconfig")}
        pods insecure
        ttl 5
    }
}
${TELEPORT_HOST}:53 {
    bind ${NODE_IP}
    errors
    hosts {
        ${NODE_IP} ${TELEPORT_HOST}
    }
}
.:53 {
    bind ${NODE_IP}
    template ANY ANY . {
        rcode NXDOMAIN
    }
    health ${COREDNS_HEALTH}
}
`;
}

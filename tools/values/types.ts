// Generated from chart/values.yaml by npm run gen-schema; do not edit.

/**
 * The chart's values after Helm's merge.
 */
export interface Values {
  /**
   * Only for parent charts: what the `condition` of their dependency reads, such as `istio-teleport.enabled`.
   */
  enabled: boolean;
  /**
   * Refuses to install while Istio's custom resource definitions (or, with monitoring, the Prometheus Operator's) are not in the cluster. Disable it where something else installs them in the same step, such as the first sync of Argo CD.
   */
  checkCRDs: boolean;
  /**
   * Read by all charts of a release. Other charts' keys may stand beside these.
   */
  global: {
    /**
     * Registry, with an optional path, that replaces the one in the name of every image: `registry.example.com/mirror`.
     */
    imageRegistry: string;
    /**
     * Secrets with registry credentials for all pods, in the namespace of each: names, or maps with the key `name`.
     */
    imagePullSecrets: (
      | string
      | {
          name: string;
        }
    )[];
    /**
     * Labels added to all objects and pods.
     */
    commonLabels: {
      [k: string]: string;
    };
    /**
     * Annotations added to all objects and to tbot's pods.
     */
    commonAnnotations: {
      [k: string]: string;
    };
    teleport: {
      /**
       * Name of your Teleport cluster, as `tctl status` prints it. It is the trust domain of every SVID (`spiffe://<clusterName>/ns/<namespace>/sa/<service account>`), Istio's trust domain and the audience of tbot's join token. Required.
       */
      clusterName: string;
      /**
       * Address of the Teleport Proxy Service as `host:port`, without a scheme. Required.
       */
      proxyAddr: string;
      /**
       * Name of a Secret in tbot's namespace whose `ca.crt` tbot trusts for Teleport's proxy, besides the public CAs of its image: for a proxy with a certificate of a private CA, or behind a proxy that inspects TLS.
       */
      caSecret: string;
      /**
       * Short name of this Kubernetes cluster, for a Teleport cluster that serves several. The names of bot, role, workload identity and join token get it as a suffix (`istio-tbot-prod`), the workload identity gets the label `cluster`, and Teleport issues only to a bot that joined with this cluster's token. Empty: names as below, and no such rule. See docs/operate/several-clusters.md.
       */
      cluster: string;
      bot: {
        /**
         * Name of the Teleport bot that tbot joins as.
         */
        name: string;
      };
      role: {
        /**
         * Name of the Teleport role that lets the bot issue workload identities with the labels below.
         */
        name: string;
        /**
         * Longest life of a credential with this role (the role's options.max_session_ttl), as one number with a unit (s, m, h). tbot asks for 1h and renews it every 20 minutes. Without a limit Teleport lets whoever stole tbot's credential ask for 24 hours or more.
         */
        maxSessionTTL: string;
      };
      workloadIdentity: {
        /**
         * Name of the workload identity resource from which tbot issues SVIDs.
         */
        name: string;
        /**
         * Labels of the workload identity. The role allows every workload identity that has all of them, so one of them must be this one's alone: by default `part-of: istio-teleport`. With several meshes in one Teleport cluster, set `global.teleport.cluster`, which adds another.
         */
        labels: {
          [k: string]: string;
        };
        /**
         * Namespaces whose workloads get an identity. Empty: all. List the namespaces of gateways, too. It limits what a stolen bot of this cluster can issue.
         */
        allowedNamespaces: string[];
        /**
         * Issues to Istio's proxies only: to the container `istio-proxy`, of sidecars and gateways. Leave it off if other containers read tbot's socket themselves.
         */
        sidecarsOnly: boolean;
      };
      join: {
        /**
         * Name of the Teleport join token (kind `token`).
         */
        tokenName: string;
        /**
         * How Teleport verifies tbot's ServiceAccount token: with a copy of the cluster's JWKS (`static_jwks`), with an issuer that Teleport can reach and that may rotate its keys (`oidc`: EKS, GKE, AKS), or with TokenReview if Teleport's Auth Service runs in the same cluster (`in_cluster`).
         */
        type: "static_jwks" | "oidc" | "in_cluster";
        /**
         * Issuer URL of the cluster's ServiceAccount tokens; for join type `oidc` only.
         */
        issuer: string;
      };
    };
  };
  /**
   * Settings for the values of Istio's own charts: `istio-teleport render istio`.
   */
  istio: {
    /**
     * Makes the chart print Istio's values instead of installing: `istiod` for the chart istio/istiod, `gateway` for istio/gateway. Use it if you don't have Node: `helm template istio-teleport <chart> -f values.yaml --set istio.print=istiod --show-only templates/istio/istio-values.yaml`. Otherwise leave it empty.
     */
    print: "" | "istiod" | "gateway";
    /**
     * Name of the sidecar injection template that mounts tbot's socket. Pods that set `inject.istio.io/templates` themselves must include it: `sidecar,<name>` or `gateway,<name>`.
     */
    injectionTemplate: string;
    /**
     * Which pods get their identity from Teleport while others still live from another issuer. For a migration; see docs/operate/migration.md.
     */
    injection: {
      /**
       * All meshed pods (`mesh`), those in the listed namespaces (`namespace`), or those that name the injection template in their annotation (`pod`): `inject.istio.io/templates: sidecar,<name>`. The admission policy, doctor and the alerts follow. All but `mesh` require `istio.blockIstiodCertificates: false`, because the others need istiod's CA.
       */
      scope: "mesh" | "namespace" | "pod";
      /**
       * Namespaces in scope; for scope `namespace` only. Upgrade istiod first, then the chart.
       */
      namespaces: string[];
    };
    /**
     * Path normalization of the mesh (`meshConfig.pathNormalization.normalization`). NONE leaves paths as the client sent them, which weakens AuthorizationPolicies that match on paths.
     */
    pathNormalization: "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";
    /**
     * Fail-closed layer b: istiod's own CA signs certificates valid for only 1 ms, so no workload can use one. Disable it only while you migrate a mesh from istiod's CA to Teleport, namespace by namespace.
     */
    blockIstiodCertificates: boolean;
    /**
     * Says that istio-cni sets up the pods' traffic, so that no injected container needs the capability NET_ADMIN. The chart then prints Istio's values for it, and in the socket mode `csi` the namespaces it creates enforce the Pod Security level `restricted`. Install Istio's chart `cni` first.
     */
    cni: boolean;
    /**
     * Enables the access log of every sidecar and gateway, in the format that `istio-teleport graph learn` reads: JSON with both ends' SPIFFE IDs, the container's port, method, path without query, and what a dry run would refuse.
     */
    accessLog: boolean;
  };
  tbot: {
    /**
     * Installs tbot, one pod per node.
     */
    enabled: boolean;
    /**
     * Name of tbot's DaemonSet and of the objects that belong to it, if another `tbot` is in its namespace. Labels stay.
     */
    nameOverride: string;
    namespace: {
      /**
       * Namespace of tbot. The join token allows only tbot's ServiceAccount in it.
       */
      name: string;
      /**
       * Creates the namespace (with Pod Security labels, kept on uninstall) if the release is in a different one.
       */
      create: boolean;
      /**
       * Labels added to the namespace, if the chart creates it.
       */
      labels: {
        [k: string]: string;
      };
    };
    image: {
      /**
       * Image of tbot, without scheme, tag and digest.
       */
      repository: string;
      /**
       * Version of tbot: at least 18.11 (native sidecars, SDS chain fix), and no newer major version than the cluster's.
       */
      tag: string;
      /**
       * Digest that pins the image, as `sha256:<64 hex digits>`. Overrides the tag.
       */
      digest: string;
      /**
       * Pull policy of tbot's image, of the CSI driver's two and of `watch.image`.
       */
      pullPolicy: "Always" | "IfNotPresent" | "Never";
      /**
       * Names of Secrets with registry credentials in tbot's namespace, for all these images.
       */
      pullSecrets: string[];
    };
    serviceAccount: {
      /**
       * Name of tbot's ServiceAccount.
       */
      name: string;
      /**
       * Annotations of tbot's ServiceAccount.
       */
      annotations: {
        [k: string]: string;
      };
    };
    /**
     * Lifetime of each workload's certificate, as one number with a unit (s, m, h); at most 336h. The workload identity's maximum_ttl is set to the same value.
     */
    credentialTTL: string;
    /**
     * How often tbot replaces each certificate over the open SDS stream; at most a third of credentialTTL, better a sixth. Each break of tbot's connection to Teleport starts the interval anew. Set it below the time between two breaks if something cuts the connection regularly.
     */
    renewalInterval: string;
    socket: {
      /**
       * Directory on the node for tbot's socket and nothing else, below /run, /var/run or /var/lib. Owned by root, mode 0755; sidecars mount it read-only. Change it if another SPIFFE agent runs on the nodes (SPIRE uses the same path by default): tbot removes an existing socket file.
       */
      hostPath: string;
      /**
       * File name of the socket. With any name but `socket`, Istio's agent refuses to start while the socket is missing, instead of waiting.
       */
      file: string;
      /**
       * How proxies get the socket: as a volume of type `hostPath`, which Pod Security refuses below the level `privileged`, or from the SPIFFE CSI driver (`csi`), which this chart then installs on each node. Choose `csi` for clusters whose namespaces belong to others: with `istio.cni` they can enforce `restricted`. See docs/operate/csi.md.
       */
      mode: "hostPath" | "csi";
      /**
       * Installs the CSI driver in either mode, and lets the admission policy accept the volumes of both. Enable it only while a running mesh moves from one mode to the other.
       */
      transition: boolean;
    };
    csi: {
      /**
       * Name of the CSI driver, as a domain name in lowercase. Change it if SPIRE's driver, which has the same name by default, is in the cluster.
       */
      driverName: string;
      /**
       * Absolute path of the kubelet's directory on the nodes (its flag `--root-dir`).
       */
      kubeletDir: string;
      /**
       * Image of the SPIFFE CSI driver.
       */
      driverImage: string;
      /**
       * Image of Kubernetes' node-driver-registrar, which makes the driver known to the kubelet.
       */
      registrarImage: string;
      /**
       * Resources of each of the two containers.
       */
      resources: {
        [k: string]: unknown;
      };
    };
    kubelet: {
      /**
       * RBAC for the kubelet's pod list: `pods` grants nodes/pods (Kubernetes 1.33 and later); `proxy` grants nodes/proxy, which older kubelets need and which amounts to exec in every pod.
       */
      authorization: "pods" | "proxy";
      /**
       * Skips verification of the kubelet's certificate. For clusters whose kubelets use self-signed certificates (kind, kubeadm without serverTLSBootstrap).
       */
      skipVerify: boolean;
      /**
       * Name of a Secret in tbot's namespace whose `ca.crt` signed the kubelets' certificates, where that is not the cluster's CA.
       */
      caSecret: string;
      /**
       * The same as a file in tbot's container: one of the node that `tbot.extraVolumes` mounts, such as `/etc/kubernetes/kubelet-ca.crt` of OpenShift.
       */
      caPath: string;
      /**
       * Host of the kubelet's URL, which its certificate must name: the node's IP address or the node's name.
       */
      address: "hostIP" | "nodeName";
    };
    /**
     * Also attests the path and SHA-256 of the workload's binary. Adds the capability SYS_PTRACE, which makes a compromised tbot root on the node.
     */
    attestBinary: boolean;
    /**
     * Sets the log level to DEBUG instead of INFO. Also serves Go's profiler (/debug/pprof) on the diagnostics port 3001.
     */
    debug: boolean;
    /**
     * Format of tbot's log. `istio-teleport doctor` reads json only.
     */
    logFormat: "json" | "text";
    /**
     * Arguments added to `tbot start`.
     */
    extraArgs: string[];
    /**
     * Keys merged over tbot.yaml, for settings that no other value has: for example `services: [{attestors: {kubernetes: {kubelet: {secure_port: 10260}}}}]`. The first of `services` is merged over the chart's, further ones are added. tbot ignores keys that it does not know: `istio-teleport render manifests` refuses them.
     */
    extraConfig: {
      services?: {
        attestors?: {
          kubernetes?: {
            kubelet?: {};
          };
        };
      }[];
      [k: string]: unknown;
    };
    /**
     * Compute resources of tbot. The defaults are for 100 sidecars per node: see docs/operate/faults.md.
     */
    resources: {
      [k: string]: unknown;
    };
    /**
     * Priority class of tbot. No meshed pod starts on a node without tbot. On GKE also set `tbot.resourceQuota.enabled`, or choose a class of your own.
     */
    priorityClassName: string;
    resourceQuota: {
      /**
       * Creates a ResourceQuota for the priority class in tbot's namespace. GKE refuses tbot's pods without it.
       */
      enabled: boolean;
      /**
       * How many pods of the class it allows: at least the number of nodes, and twice that with the CSI driver, which has a pod on each node, too.
       */
      pods: number;
    };
    networkPolicy: {
      /**
       * Creates a NetworkPolicy for tbot: out to DNS, Teleport's proxy and kubelets, in for metrics alone.
       */
      enabled: boolean;
      /**
       * Who may reach the diagnostics port 3001, which has no authentication: where your Prometheus runs.
       */
      metricsFrom: {
        [k: string]: unknown;
      }[];
      /**
       * Rules added for what tbot calls, for example an HTTP proxy on the way to Teleport, or kubelets at another port. If Teleport runs in this cluster, add the port of its proxy's pods (3080): network plugins look at that, not at the Service's.
       */
      extraEgress: {
        [k: string]: unknown;
      }[];
    };
    /**
     * Update strategy of tbot's DaemonSet, and of the CSI driver's.
     */
    updateStrategy: {
      [k: string]: unknown;
    };
    /**
     * How many old revisions of each of these DaemonSets Kubernetes keeps.
     */
    revisionHistoryLimit: number;
    /**
     * Seconds that tbot has to end.
     */
    terminationGracePeriodSeconds: number;
    /**
     * Settings of tbot's liveness probe.
     */
    livenessProbe: {
      [k: string]: unknown;
    };
    /**
     * Settings of tbot's readiness probe.
     */
    readinessProbe: {
      [k: string]: unknown;
    };
    /**
     * Node labels that restrict where tbot runs. Meshed pods on other nodes never become ready.
     */
    nodeSelector: {
      [k: string]: string;
    };
    /**
     * Tolerations of tbot. The default tolerates every taint.
     */
    tolerations: {
      [k: string]: unknown;
    }[];
    /**
     * Affinity of tbot. The default keeps it off EKS Fargate and virtual nodes, where its pods could never start.
     */
    affinity: {
      [k: string]: unknown;
    };
    /**
     * Host names added to tbot's /etc/hosts.
     */
    hostAliases: {
      [k: string]: unknown;
    }[];
    /**
     * DNS policy of tbot's pods.
     */
    dnsPolicy: "ClusterFirst" | "ClusterFirstWithHostNet" | "Default" | "None";
    /**
     * DNS settings of tbot's pods.
     */
    dnsConfig: {
      [k: string]: unknown;
    };
    /**
     * Merged over the pods' security context (user and group 0, seccomp RuntimeDefault), for example `seLinuxOptions` for nodes that enforce SELinux, which the CSI driver's pods get as well. What you set here replaces the chart's hardening: NOTES warn of it.
     */
    podSecurityContext: {
      [k: string]: unknown;
    };
    /**
     * Merged over the container's security context (no privilege escalation, read-only root file system, no capability). What you set here replaces the chart's hardening: NOTES warn of it.
     */
    securityContext: {
      [k: string]: unknown;
    };
    /**
     * Volumes added to tbot's pods.
     */
    extraVolumes: {
      [k: string]: unknown;
    }[];
    /**
     * Volume mounts added to tbot's container.
     */
    extraVolumeMounts: {
      [k: string]: unknown;
    }[];
    /**
     * Labels added to tbot's pods.
     */
    podLabels: {
      [k: string]: string;
    };
    /**
     * Annotations added to tbot's pods.
     */
    podAnnotations: {
      [k: string]: string;
    };
    /**
     * Environment variables added to tbot, for example an HTTP proxy for reaching Teleport.
     */
    extraEnv: {
      [k: string]: unknown;
    }[];
  };
  mesh: {
    /**
     * Installs the mesh-wide policies.
     */
    enabled: boolean;
    /**
     * Root namespace of the mesh (`meshConfig.rootNamespace`, in the values that `istio-teleport render istio` prints). Policies in it apply to the whole mesh.
     */
    rootNamespace: string;
    mtls: {
      /**
       * Creates the PeerAuthentication `default` in the root namespace. Disable it if the mesh has one already.
       */
      enabled: boolean;
      /**
       * Mesh-wide mutual TLS: STRICT refuses plaintext.
       */
      mode: "STRICT" | "PERMISSIVE";
    };
    admission: {
      /**
       * Fail-closed layer c: a ValidatingAdmissionPolicy (Kubernetes 1.30 and later) that refuses meshed pods without the read-only mount of tbot's socket, and refuses every other hostPath in meshed namespaces. It follows `istio.injection.scope`. Disable it only on the way back to istiod's CA, or below Kubernetes 1.30.
       */
      enabled: boolean;
      /**
       * Additional host paths that pods in meshed namespaces may mount, each exactly as the pod specifies it.
       */
      allowedHostPaths: string[];
    };
    gatewayApi: {
      /**
       * Gives tbot's socket to the gateways that istiod creates for the Kubernetes Gateway API (class `istio`), by a ConfigMap in the root namespace, which must be istiod's own: it looks nowhere else. Without the Gateway API's CRDs the ConfigMap has no effect. Disable it if the mesh has such a ConfigMap already, and add the socket to that one. It counts for all such gateways, so it is left out unless `istio.injection.scope` is `mesh`.
       */
      enabled: boolean;
    };
    connections: {
      /**
       * How long a sidecar keeps an HTTP connection that a peer opened, as one number with a unit (s, m, h); at least 10s, empty for no limit. Envoy checks the peer's certificate only when a connection opens: without a limit, an identity that Teleport no longer issues lives on in open connections. The connection closes between two requests. One in progress is never cut, and neither is a WebSocket or a gRPC stream. Shorter than tbot.credentialTTL gains little: the peer reconnects until its certificate expires.
       */
      maxDuration: string;
      /**
       * How long a sidecar keeps a TCP connection that a peer opened, as one number with a unit (s, m, h); at least 10s, empty for no limit. Such connections, of databases for example, are cut whatever is under way, so their clients must reconnect.
       */
      tcpMaxDuration: string;
    };
    /**
     * Gateways that services may name as callers, under a name of your choice: the namespace and ServiceAccount of each. The ServiceAccount of a gateway of the Kubernetes Gateway API is `<gateway>-istio`.
     */
    gateways: {
      [k: string]: Gateway;
    };
    /**
     * Applications, one per namespace, under a name of your choice, and which services may call which. The chart compiles each to one AuthorizationPolicy per called service, plus a deny-all and strict mutual TLS for the namespace.
     */
    applications: {
      [k: string]: Application;
    };
  };
  testApp: {
    /**
     * Installs the test app: a server, a client that may call it, and a client that may not.
     */
    enabled: boolean;
    namespace: {
      /**
       * Namespace of the test app.
       */
      name: string;
      /**
       * Creates the namespace (with the injection label and Pod Security labels, kept on uninstall). Disable it if the namespace exists already.
       */
      create: boolean;
      /**
       * Labels added to the namespace, for example `istio.io/rev`, which replaces `istio-injection`.
       */
      labels: {
        [k: string]: string;
      };
    };
    server: {
      /**
       * Image of the server. It must return the request's headers as JSON at `/headers` on port 8080. The default is the image of Istio's httpbin sample.
       */
      image: string;
    };
    client: {
      /**
       * Image of both clients. It must contain `sleep` and `curl`. The default is the image of Istio's curl sample.
       */
      image: string;
    };
    /**
     * Pull policy of the test app's images.
     */
    imagePullPolicy: "Always" | "IfNotPresent" | "Never";
    /**
     * Names of Secrets with registry credentials in the namespace of the test app.
     */
    imagePullSecrets: string[];
  };
  sockShop: {
    /**
     * Installs Sock Shop, an application of 14 parts whose policies come from a graph. See docs/start/sock-shop-demo.md.
     */
    enabled: boolean;
    namespace: {
      /**
       * Namespace of Sock Shop, used by no other application.
       */
      name: string;
      /**
       * Creates the namespace (with the injection label and Pod Security labels, kept on uninstall). Disable it if the namespace exists already.
       */
      create: boolean;
      /**
       * Labels added to the namespace, for example `istio.io/rev`, which replaces `istio-injection`.
       */
      labels: {
        [k: string]: string;
      };
    };
    /**
     * What to do with Sock Shop's graph: render no policy (`none`), allow nothing (`denyAll`), allow only the graph's edges (`enforce`), or allow everything and log what `enforce` would refuse (`dryRun`).
     */
    policies: "none" | "denyAll" | "enforce" | "dryRun";
    frontEnd: {
      /**
       * Who may call the front-end: by default everybody, including plaintext from outside the mesh. Name your gateways to restrict it. Entries are the same as in `mesh.applications.<application>.services.<service>.callers`.
       */
      callers: Caller[];
    };
    /**
     * Images of the parts. The defaults are the images of the published application (github.com/microservices-demo/microservices-demo), with a version added where it names none.
     */
    images: {
      /**
       * Image of front-end, the shop's web pages.
       */
      "front-end": string;
      /**
       * Image of catalogue.
       */
      catalogue: string;
      /**
       * Image of catalogue-db: MySQL with the catalogue's data.
       */
      "catalogue-db": string;
      /**
       * Image of carts.
       */
      carts: string;
      /**
       * Image of carts-db: MongoDB.
       */
      "carts-db": string;
      /**
       * Image of orders.
       */
      orders: string;
      /**
       * Image of orders-db: MongoDB.
       */
      "orders-db": string;
      /**
       * Image of payment.
       */
      payment: string;
      /**
       * Image of queue-master, which consumes shipments from rabbitmq.
       */
      "queue-master": string;
      /**
       * Image of rabbitmq.
       */
      rabbitmq: string;
      /**
       * Image of session-db: Redis.
       */
      "session-db": string;
      /**
       * Image of shipping.
       */
      shipping: string;
      /**
       * Image of user.
       */
      user: string;
      /**
       * Image of user-db: MongoDB with the shop's first accounts.
       */
      "user-db": string;
    };
    /**
     * Pull policy of Sock Shop's images.
     */
    imagePullPolicy: "Always" | "IfNotPresent" | "Never";
    /**
     * Names of Secrets with registry credentials in the namespace of Sock Shop.
     */
    imagePullSecrets: string[];
  };
  monitoring: {
    /**
     * Creates PodMonitors and a PrometheusRule for the Prometheus Operator and dashboards for Grafana, and makes each sidecar expose when its certificate expires (in Istio's values: `istio-teleport render istio`). See docs/operate/monitoring.md.
     */
    enabled: boolean;
    /**
     * Also scrapes the sidecars, for the few series that the alerts and dashboards need. Disable it if your Prometheus scrapes /stats/prometheus of every sidecar already.
     */
    sidecars: boolean;
    /**
     * Labels added to the PodMonitors and the PrometheusRule, so that your Prometheus selects them.
     */
    labels: {
      [k: string]: string;
    };
    /**
     * Labels of the ConfigMaps with the dashboards, so that Grafana's sidecar finds them.
     */
    dashboardLabels: {
      [k: string]: string;
    };
  };
  watch: {
    /**
     * Runs doctor's checks in the cluster, without tctl: a CronJob in tbot's namespace whose result is a Kubernetes Event and, with `monitoring.enabled`, an alert. See docs/operate/checks-in-the-cluster.md.
     */
    enabled: boolean;
    /**
     * Image with this package, kubectl and Helm; required. Build it from the repository's Dockerfile.
     */
    image: string;
    /**
     * When it looks, in cron's format. Kubernetes keeps Events for an hour by default.
     */
    schedule: string;
    /**
     * Stops it from looking.
     */
    suspend: boolean;
    /**
     * Namespaces whose sidecars and gateways it asks for their certificates, or `["*"]` for all; required. Its ServiceAccount gets pods/portforward there, with which every port of their pods can be reached.
     */
    namespaces: string[];
    /**
     * IDs (kid) of the keys in the join token, with which it compares those that the cluster publishes; for join type `static_jwks` only. `istio-teleport install` fills them in. Empty: keys are not compared.
     */
    keyIds: string[];
    /**
     * How long it looks again while something is wrong, before it says so, as one number with a unit (s, m, h).
     */
    wait: string;
    /**
     * Arguments added to `istio-teleport watch`, for example `--teleport-version=18.11.10` where pods cannot reach Teleport's proxy.
     */
    extraArgs: string[];
    /**
     * Compute resources.
     */
    resources: {
      [k: string]: unknown;
    };
    /**
     * Node labels that restrict where it runs.
     */
    nodeSelector: {
      [k: string]: string;
    };
    /**
     * Tolerations of its pods.
     */
    tolerations: {
      [k: string]: unknown;
    }[];
  };
}
/**
 * A gateway of the mesh, identified by its pods' namespace and ServiceAccount.
 */
export interface Gateway {
  /**
   * Namespace of the gateway's pods.
   */
  namespace: string;
  /**
   * ServiceAccount of the gateway's pods.
   */
  serviceAccount: string;
}
/**
 * The services of one namespace and who may call them.
 */
export interface Application {
  /**
   * Namespace of the application, used by no other application. It must exist and be meshed.
   */
  namespace: string;
  /**
   * What to do with the graph: `enforce` allows only its edges; `dryRun` allows everything and logs what `enforce` would refuse; `denyAll` allows nothing; `"off"`, in quotes, renders no policy.
   */
  mode?: "enforce" | "dryRun" | "denyAll" | "off";
  /**
   * Services of the application, by name. The name is used in this graph only.
   */
  services: {
    [k: string]: Service;
  };
}
/**
 * A group of pods that are called as one service, or that only call others.
 */
export interface Service {
  /**
   * Labels that select the service's pods and no others. They are the selector of its policy.
   */
  labels: {
    [k: string]: string;
  };
  /**
   * ServiceAccount of the service's pods, used by no other service. Their identity is `spiffe://<clusterName>/ns/<namespace>/sa/<serviceAccount>`.
   */
  serviceAccount: string;
  /**
   * Ports of the service. Omit them for a service that only calls others.
   */
  ports?: Port[];
  /**
   * Who may call the service. If omitted, nobody may.
   */
  callers?: Caller[];
}
/**
 * One port of a service.
 */
export interface Port {
  /**
   * Port of the Kubernetes Service, as callers use it and `callers[].ports` name it.
   */
  port: number;
  /**
   * Port of the container, as a number, because policies match on it. Defaults to `port`.
   */
  targetPort?: number;
  /**
   * Protocol of the port. Use TCP for anything that Istio must not parse, such as databases.
   */
  protocol: "HTTP" | "HTTP2" | "GRPC" | "TCP";
}
/**
 * Who may call a service: exactly one of `service`, `gateway`, `principal` and `anyone`, optionally narrowed to ports, methods or paths.
 */
export interface Caller {
  /**
   * Name of a service in this application, or in the one that `application` names.
   */
  service?: string;
  /**
   * Application of `service`, if it is a different one.
   */
  application?: string;
  /**
   * Name of a gateway in `mesh.gateways`.
   */
  gateway?: string;
  /**
   * SPIFFE ID without `spiffe://`, for callers that are not in the graph; its last part may be `*`: `example.teleport.sh/ns/billing/sa/*`.
   */
  principal?: string;
  /**
   * Everybody, including callers without an identity and plaintext from outside the mesh. For entry points.
   */
  anyone?: true;
  /**
   * Only these ports, numbered as in the service's `ports[].port`. If omitted, all ports.
   *
   * @minItems 1
   */
  ports?: number[];
  /**
   * Only these HTTP methods (gRPC uses POST). If omitted, all methods.
   *
   * @minItems 1
   */
  methods?: string[];
  /**
   * Only these HTTP paths, without a query and in ASCII, as they appear in requests: exact (`/health`), by prefix (`/api/*`), by suffix (`* /info`), or by template (`/carts/{*}/items`; one `{**}` for several parts, after every `{*}`). If omitted, all paths. Requires an `istio.pathNormalization` other than NONE.
   *
   * @minItems 1
   */
  paths?: string[];
}

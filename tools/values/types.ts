// Generated from chart/values.yaml by npm run gen-schema; do not edit.

/**
 * The chart's values after Helm's merge.
 */
export interface Values {
  global: {
    teleport: {
      /**
       * Name of your Teleport cluster, as `tctl status` prints it. It is the trust domain of every SVID (`spiffe://<clusterName>/ns/<namespace>/sa/<service account>`), Istio's trust domain and the audience of tbot's join token. Required.
       */
      clusterName: string;
      /**
       * Address of the Teleport Proxy Service as `host:port`, without a scheme. Required.
       */
      proxyAddr: string;
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
      };
      workloadIdentity: {
        /**
         * Name of the workload identity resource that tbot issues SVIDs of.
         */
        name: string;
        /**
         * Labels of the workload identity. The role allows every workload identity that has them all: where others have `env: dev` too, add a label that only this one has.
         */
        labels: {
          [k: string]: string;
        };
      };
      join: {
        /**
         * Name of the Teleport join token (kind `token`).
         */
        tokenName: string;
        /**
         * How Teleport checks tbot's ServiceAccount token: against a copy of the cluster's JWKS (`static_jwks`), against an issuer that Teleport can reach and that may rotate its keys (`oidc`: EKS, GKE, AKS), or by TokenReview where Teleport's Auth Service runs in the same cluster (`in_cluster`).
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
   * What goes into the values of Istio's own charts: `istio-teleport render istio`.
   */
  istio: {
    /**
     * Prints Istio's values instead of being installed: `istiod` for the chart istio/istiod, `gateway` for istio/gateway. For people without Node: `helm template istio-teleport <chart> -f values.yaml --set istio.print=istiod --show-only templates/istio/istio-values.yaml`. Leave it empty otherwise.
     */
    print: "" | "istiod" | "gateway";
    /**
     * Name of the sidecar injection template that mounts tbot's socket. Pods that set `inject.istio.io/templates` themselves must name it too: `sidecar,<name>` or `gateway,<name>`.
     */
    injectionTemplate: string;
    /**
     * Path normalization of the mesh (`meshConfig.pathNormalization.normalization`). NONE leaves paths as the client sent them, which weakens AuthorizationPolicies that match on paths.
     */
    pathNormalization: "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";
    /**
     * Fail-closed layer b: istiod's own CA signs certificates that live 1 ms, so that no workload can use one. Switch it off only while a mesh moves from istiod's CA to Teleport, namespace by namespace.
     */
    blockIstiodCertificates: boolean;
    /**
     * Switches on the access log of every sidecar and gateway, in the form that `istio-teleport graph learn` reads: JSON with both ends' SPIFFE IDs, the container's port, method, path without query, and what a dry run would refuse.
     */
    accessLog: boolean;
  };
  tbot: {
    /**
     * Installs tbot, one pod a node.
     */
    enabled: boolean;
    namespace: {
      /**
       * Namespace of tbot. The join token allows only tbot's ServiceAccount in it.
       */
      name: string;
      /**
       * Renders the Namespace (with Pod Security labels, kept at uninstall) when the release itself lives in another one.
       */
      create: boolean;
    };
    image: {
      /**
       * Image of tbot, without tag.
       */
      repository: string;
      /**
       * Version of tbot: at least 18.11 (native sidecars, SDS chain fix) and never a newer major than the cluster's.
       */
      tag: string;
      /**
       * Digest that pins the image, as `sha256:<64 hex digits>`; wins over the tag.
       */
      digest: string;
      /**
       * Pull policy of tbot's image.
       */
      pullPolicy: "Always" | "IfNotPresent" | "Never";
      /**
       * Names of Secrets with registry credentials in tbot's namespace.
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
     * Life of each workload's certificate, as one number with a unit (s, m, h); at most 336h. The workload identity's maximum_ttl equals it.
     */
    credentialTTL: string;
    /**
     * How often tbot replaces each certificate over the open SDS stream; at most half of credentialTTL.
     */
    renewalInterval: string;
    socket: {
      /**
       * Directory on the node that holds tbot's socket, below /run, /var/run or /var/lib, and for nothing else. Root's, mode 0755; sidecars mount it read-only. Change it where another SPIFFE agent (SPIRE's default is the same path) runs on the nodes: tbot removes an existing socket file.
       */
      hostPath: string;
      /**
       * File name of the socket. With a name other than `socket`, Istio's agent refuses to start while the socket is absent, instead of waiting.
       */
      file: string;
    };
    kubelet: {
      /**
       * RBAC for the kubelet's pod list: `pods` grants nodes/pods (Kubernetes 1.33 and later); `proxy` grants nodes/proxy, which older kubelets need and which amounts to exec in every pod.
       */
      authorization: "pods" | "proxy";
      /**
       * Skips the verification of the kubelet's certificate; for clusters whose kubelets sign their own (kind, kubeadm without serverTLSBootstrap).
       */
      skipVerify: boolean;
    };
    /**
     * Also attests path and SHA-256 of the workload's binary. Adds the capability SYS_PTRACE, with which a compromised tbot is root on the node.
     */
    attestBinary: boolean;
    /**
     * Log level DEBUG instead of INFO; also serves Go's profiler (/debug/pprof) on the diagnostics port 3001.
     */
    debug: boolean;
    /**
     * Compute resources of tbot.
     */
    resources: {
      [k: string]: unknown;
    };
    /**
     * Priority class of tbot: no meshed pod on a node starts without it.
     */
    priorityClassName: string;
    /**
     * Update strategy of the DaemonSet.
     */
    updateStrategy: {
      [k: string]: unknown;
    };
    /**
     * Node labels that tbot is restricted to. Meshed pods on other nodes never become ready.
     */
    nodeSelector: {
      [k: string]: string;
    };
    /**
     * Tolerations of tbot; the default tolerates every taint.
     */
    tolerations: {
      [k: string]: unknown;
    }[];
    /**
     * Affinity of tbot.
     */
    affinity: {
      [k: string]: unknown;
    };
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
     * Environment variables added to tbot (a proxy to reach Teleport through, for example).
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
     * Root namespace of the mesh (`meshConfig.rootNamespace`, istiod's own by default): policies in it hold for the whole mesh.
     */
    rootNamespace: string;
    mtls: {
      /**
       * Renders the PeerAuthentication `default` in the root namespace. Switch it off where the mesh has one already.
       */
      enabled: boolean;
      /**
       * Mesh-wide mutual TLS: STRICT refuses plaintext.
       */
      mode: "STRICT" | "PERMISSIVE";
    };
    admission: {
      /**
       * Fail-closed layer c: a ValidatingAdmissionPolicy (Kubernetes 1.30 and later) that refuses meshed pods without the read-only mount of tbot's socket, and in meshed namespaces every hostPath but that one. Switch it off only while a mesh moves to Teleport, or below Kubernetes 1.30.
       */
      enabled: boolean;
      /**
       * Further host paths that pods in meshed namespaces may mount, each exactly as the pod writes it.
       */
      allowedHostPaths: string[];
    };
    /**
     * Gateways that services may name as callers, by a name of your choice: where each runs and as whom.
     */
    gateways: {
      [k: string]: Gateway;
    };
    /**
     * Applications and who may call whom in them, by a name of your choice: one a namespace. Compiled to one AuthorizationPolicy for each called service, a deny-all and strict mutual TLS for the namespace.
     */
    applications: {
      [k: string]: Application;
    };
  };
  testApp: {
    /**
     * Installs the test app: a server, a client that may call it and a client that may not.
     */
    enabled: boolean;
    namespace: {
      /**
       * Namespace of the test app.
       */
      name: string;
      /**
       * Renders the Namespace (with the injection label and Pod Security labels, kept at uninstall). Switch it off when the namespace exists already.
       */
      create: boolean;
    };
    server: {
      /**
       * Image of the server; answers `/headers` on port 8080 with the request's headers as JSON. The default is that of Istio's own httpbin sample.
       */
      image: string;
    };
    client: {
      /**
       * Image of both clients; needs `sleep` and `curl`. The default is that of Istio's own curl sample.
       */
      image: string;
    };
    /**
     * Pull policy of the test app's images.
     */
    imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  };
  sockShop: {
    /**
     * Installs Sock Shop, an application of 14 parts whose policies come from a graph; see docs/start/sock-shop-demo.md.
     */
    enabled: boolean;
    namespace: {
      /**
       * Namespace of Sock Shop, for it alone.
       */
      name: string;
      /**
       * Renders the Namespace (with the injection label and Pod Security labels, kept at uninstall). Switch it off when the namespace exists already.
       */
      create: boolean;
    };
    /**
     * What becomes of Sock Shop's graph: no policy (`none`), nothing may call anything (`denyAll`), only the graph's edges pass (`enforce`), or everything passes and what `enforce` would refuse is logged (`dryRun`).
     */
    policies: "none" | "denyAll" | "enforce" | "dryRun";
    frontEnd: {
      /**
       * Who may call the front-end: everybody, also in plaintext from outside the mesh, unless you name gateways here. Entries are those of `mesh.applications.<application>.services.<service>.callers`.
       */
      callers: Caller[];
    };
    /**
     * Images of the parts. The defaults are those of the published application (github.com/microservices-demo/microservices-demo), with a version where it has none.
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
       * Image of queue-master, which takes shipments from rabbitmq.
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
  };
  monitoring: {
    /**
     * Renders PodMonitors and a PrometheusRule for the Prometheus Operator and dashboards for Grafana, and has each sidecar show when its certificate expires (in Istio's values: `istio-teleport render istio`). See docs/operate/monitoring.md.
     */
    enabled: boolean;
    /**
     * Has the sidecars scraped, too, for the few series that the alerts and dashboards need. Switch it off where your Prometheus scrapes /stats/prometheus of every sidecar already.
     */
    sidecars: boolean;
    /**
     * Labels added to PodMonitors and PrometheusRule, by which your Prometheus selects them.
     */
    labels: {
      [k: string]: string;
    };
    /**
     * Labels of the ConfigMaps with the dashboards, by which Grafana's sidecar finds them.
     */
    dashboardLabels: {
      [k: string]: string;
    };
  };
}
/**
 * A gateway of the mesh, by the identity of its pods.
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
   * Namespace of the application, for it alone. It must exist and be meshed.
   */
  namespace: string;
  /**
   * What becomes of the graph: `enforce` lets only its edges pass; `dryRun` lets everything pass and logs what `enforce` would refuse; `denyAll` lets nothing pass; `"off"`, in quotes, renders no policy.
   */
  mode?: "enforce" | "dryRun" | "denyAll" | "off";
  /**
   * Services of the application, by name; the name is for this graph only.
   */
  services: {
    [k: string]: Service;
  };
}
/**
 * Pods that are called as one, or that only call.
 */
export interface Service {
  /**
   * Labels that select the service's pods and no other ones: the selector of its policy.
   */
  labels: {
    [k: string]: string;
  };
  /**
   * ServiceAccount of the service's pods and of no other service's: its identity is `spiffe://<clusterName>/ns/<namespace>/sa/<serviceAccount>`.
   */
  serviceAccount: string;
  /**
   * Ports of the service; none for one that only calls.
   */
  ports?: Port[];
  /**
   * Who may call the service; nobody when left out.
   */
  callers?: Caller[];
}
/**
 * One port of a service.
 */
export interface Port {
  /**
   * Port of the Kubernetes Service, which callers and `callers[].ports` name.
   */
  port: number;
  /**
   * Port of the container, by number: policies match on it. The default is `port`.
   */
  targetPort?: number;
  /**
   * What is spoken on the port; TCP for everything that Istio shall not parse, databases for example.
   */
  protocol: "HTTP" | "HTTP2" | "GRPC" | "TCP";
}
/**
 * Who may call a service, named by exactly one of `service`, `gateway`, `principal` and `anyone`, and optionally narrowed.
 */
export interface Caller {
  /**
   * Name of a service of this application, or of the one that `application` names.
   */
  service?: string;
  /**
   * Application of `service`, when it is another one.
   */
  application?: string;
  /**
   * Name of a gateway of `mesh.gateways`.
   */
  gateway?: string;
  /**
   * SPIFFE ID without `spiffe://`, for callers that are not in the graph; its last part may be `*`: `example.teleport.sh/ns/billing/sa/*`.
   */
  principal?: string;
  /**
   * Everybody, also without an identity and in plaintext from outside the mesh: for entry points.
   */
  anyone?: true;
  /**
   * Only these ports, as the service's `ports[].port` numbers them; all when left out.
   *
   * @minItems 1
   */
  ports?: number[];
  /**
   * Only these HTTP methods (gRPC has POST); all when left out.
   *
   * @minItems 1
   */
  methods?: string[];
  /**
   * Only these HTTP paths, without a query and in ASCII, as requests have them: exact (`/health`), by prefix (`/api/*`), by suffix (`* /info`), or a template (`/carts/{*}/items`; one `{**}` for several parts after every `{*}`); all when left out. Needs an `istio.pathNormalization` other than NONE.
   *
   * @minItems 1
   */
  paths?: string[];
}

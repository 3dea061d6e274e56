import type { ClusterFacts } from "./cluster-keys.ts";
import type { Settings } from "./settings.ts";

/** Managed Kubernetes whose keys change without notice, recognised by issuer or API server. */
const ROTATING: readonly { pattern: RegExp; why: string }[] = [
  {
    // teleport issues 37183, 39170 and 42147.
    pattern: /^https:\/\/(oidc\.eks\.|[^/]*\.eks\.amazonaws\.com)/,
    why: "EKS signs with other keys than its API server publishes and changes them every 7 days",
  },
  { pattern: /^https:\/\/container\.googleapis\.com\//, why: "GKE changes its signing keys without notice" },
  { pattern: /^https:\/\/[^/]*(oic\.prod-aks|\.azmk8s)\./, why: "AKS changes its signing keys without notice" },
];

/** Why static keys end sooner or later with this Kubernetes; undefined where its operator decides when they change. */
export function whyKeysRotate({ issuer, server }: Pick<ClusterFacts, "issuer" | "server">): string | undefined {
  return ROTATING.find(({ pattern }) => pattern.test(issuer) || pattern.test(server))?.why;
}

/**
 * What will go wrong later although the document is right, one sentence each.
 *
 * @param cluster absent when the keys came from a file
 */
export function warnings(settings: Pick<Settings, "type" | "issuer">, cluster: ClusterFacts | undefined): string[] {
  if (settings.type === "oidc") {
    return /^https:\/\/kubernetes\.default(\.|\/|$)/.test(settings.issuer)
      ? [
          `Teleport's Auth Service must reach the issuer ${settings.issuer}, a name that only the cluster itself resolves; where it runs elsewhere use --type static_jwks.`,
        ]
      : [];
  }
  if (cluster === undefined) return [];
  const why = whyKeysRotate(cluster);
  if (why === undefined) return [];
  const issuer = cluster.issuer.startsWith("https://") ? cluster.issuer : "<the cluster's issuer URL>";
  return [`${why}, so tbot's join will fail with static keys; use --type oidc --issuer ${issuer} instead.`];
}

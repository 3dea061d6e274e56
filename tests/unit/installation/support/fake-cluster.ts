import { type FakeCall, type FakeObject, type FakeState, flagOf, type Said } from "./fake-state.ts";

/** Verbs that change something; reviews are created to ask, and never kept. */
export const KUBECTL_CHANGES = /^kubectl (?:--\S+ )*(create|label|delete|rollout) /;

const KINDS: Readonly<Record<string, string>> = {
  namespace: "Namespace",
  namespaces: "Namespace",
  deployments: "Deployment",
  pods: "Pod",
  csidrivers: "CSIDriver",
  customresourcedefinition: "CustomResourceDefinition",
  customresourcedefinitions: "CustomResourceDefinition",
  configmaps: "ConfigMap",
  serviceaccounts: "ServiceAccount",
  secrets: "Secret",
  leases: "Lease",
  authorizationpolicies: "AuthorizationPolicy",
};

/** A kubectl with the objects of the state behind it; its answers are those of kubectl 1.37, recorded in the lab. */
export function fakeKubectlOfCluster(call: FakeCall, state: FakeState): Said {
  const { line, args, stdin } = call;
  const words = args.filter((word) => !word.startsWith("--"));
  const [verb = "", what = "", name] = words;
  if (verb === "version") {
    const version = { gitVersion: state.kubernetes };
    const server = args.includes("--client") ? {} : { serverVersion: version };
    return { stdout: JSON.stringify({ clientVersion: version, ...server }) };
  }
  if (verb === "config") {
    return { stdout: '{"current-context":"kind","clusters":[{"cluster":{"server":"https://api.example:6443"}}]}' };
  }
  if (verb === "api-resources") {
    return {
      stdout:
        "configmaps\nevents\nserviceaccounts\nsecrets\npods\npods.metrics.k8s.io\ndeployments.apps\nleases.coordination.k8s.io\n",
    };
  }
  if (verb === "get") return get(call, state, what, name);
  if (verb === "create") return create(stdin, state);
  if (verb === "rollout") {
    state.tbotReady = 1;
    return {};
  }
  const selected = (object: FakeObject) => object.kind === KINDS[what] && matches(call, object);
  if (verb === "label") {
    for (const { metadata } of state.objects.filter((object) => selected(object) && object.metadata.name === name)) {
      metadata.labels = { ...metadata.labels, ...Object.fromEntries(words.slice(3).map((pair) => pair.split("="))) };
    }
    return {};
  }
  if (verb === "delete") {
    const names = words.slice(2);
    const goes = (object: FakeObject) =>
      (selected(object) && (names.length === 0 || names.includes(object.metadata.name))) ||
      (what === "namespace" && names.includes(object.metadata.namespace ?? ""));
    state.objects = state.objects.filter((object) => !goes(object));
    return {};
  }
  return { stderr: `unexpected: ${line}` };
}

function create(stdin: string, state: FakeState): Said {
  if (!isReview(stdin)) {
    state.objects.push(JSON.parse(stdin) as FakeObject);
    return {};
  }
  const { items } = JSON.parse(stdin) as { items: { spec: { resourceAttributes: { resource: string } } }[] };
  const answers = items.map(({ spec }) => `${!state.forbidden.includes(spec.resourceAttributes.resource)}\n`);
  return { stdout: answers.join("") };
}

/** Whether what is created only asks. */
export function isReview(stdin: string): boolean {
  return stdin.includes("SelfSubjectAccessReview");
}

function get(call: FakeCall, state: FakeState, what: string, name: string | undefined): Said {
  if (call.line.includes("/openid/v1/jwks")) return { stdout: state.jwks };
  if (call.line.includes("openid-configuration")) return { stdout: '{"issuer":"https://kubernetes.default.svc"}' };
  if (flagOf(call, "filename") === "-") return getManifest(call, state);
  if (what === "nodes") {
    const node = { metadata: { name: "node" }, status: { nodeInfo: { kubeletVersion: state.kubernetes } } };
    return { stdout: JSON.stringify({ items: [node] }) };
  }
  if (what === "daemonsets") return { stdout: JSON.stringify({ items: [] }) };
  if (what === "daemonset") {
    const status = { numberReady: state.tbotReady, desiredNumberScheduled: 1, updatedNumberScheduled: 1 };
    return { stdout: JSON.stringify({ metadata: { name }, status }) };
  }
  const kinds = what.split(",").map((word) => KINDS[word.replace(/\..*/, "")]);
  if (kinds.includes(undefined)) return { stderr: `unexpected kind: ${call.line}` };
  const namespace = flagOf(call, "namespace");
  const found = state.objects.filter(
    (object) =>
      kinds.includes(object.kind) &&
      (name === undefined || object.metadata.name === name) &&
      (namespace === undefined || object.metadata.namespace === namespace) &&
      matches(call, object),
  );
  if (flagOf(call, "output") === "name") {
    return { stdout: found.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}\n`).join("") };
  }
  if (name === undefined) return { stdout: JSON.stringify({ items: found }) };
  return { stdout: found[0] === undefined ? "" : JSON.stringify(found[0]) };
}

/** `get --filename=-`: whether the objects of a manifest are there. */
function getManifest(call: FakeCall, { missing }: FakeState): Said {
  if (flagOf(call, "namespace") !== undefined) {
    return { stderr: "error: the namespace from the provided object does not match\n" };
  }
  const gone = missing.find((kind) => call.stdin.includes(`kind: ${kind}`));
  return gone === undefined
    ? {}
    : { stderr: `Error from server (NotFound): ${gone.toLowerCase()}s.apps "x" not found\n` };
}

/** By --selector and --field-selector. */
function matches(call: FakeCall, { metadata }: FakeObject): boolean {
  const field = flagOf(call, "field-selector")?.replace("metadata.name=", "");
  const pairs = (flagOf(call, "selector") ?? "").split(",").filter((pair) => pair !== "");
  const hasLabel = (pair: string) => {
    const [, key = "", operator, value] = /^(.*?)(!?=)(.*)$/.exec(pair) ?? [];
    return (metadata.labels?.[key] === value) === (operator === "=");
  };
  return pairs.every(hasLabel) && (field === undefined || metadata.name === field);
}

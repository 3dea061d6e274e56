import type { spawnSync } from "node:child_process";
import type fs from "node:fs";

/** An object as the fake API server keeps it. */
export interface FakeObject {
  apiVersion?: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: object[];
  };
  [key: string]: unknown;
}

/** A release as the fake Helm keeps it. */
export interface FakeRelease {
  namespace: string;
  chart: string;
  status: string;
  revision: number;
  updated: string;
  values: unknown;
  manifest: string;
}

/** All that the fake programs know; a test changes it to set the scene. */
export interface FakeState {
  kubernetes: string;
  /** Names of releases → the release. */
  releases: Record<string, FakeRelease>;
  objects: FakeObject[];
  /** Kinds whose objects are gone although a release has them. */
  missing: string[];
  /** Rights that are refused, by resource. */
  forbidden: string[];
  jwks: string;
  tbotReady: number;
  teleport: { clusterName: string; version: string; resources: { kind: string; metadata: { name: string } }[] };
  /** Programs that fail when a call contains the text: how. */
  failures: { when: string; how: "error" | "killed"; says: string }[];
}

interface Tools {
  fs: typeof fs;
  spawnSync: typeof spawnSync;
  yaml: { parse(text: string): unknown; parseAllDocuments(text: string): { toJS(): unknown }[] };
}

/** One call of a fake program; `input` gives what it reads, if it does. */
interface Call {
  program: string;
  args: string[];
  input(): string;
}

/** What the call leaves; `killed` for an end by SIGKILL. */
export interface FakeOutcome {
  code: number;
  killed?: true;
  stdout: string;
  stderr: string;
}

/**
 * What the fake helm, kubectl and tctl do. Its text also becomes a program of its own, so it may use nothing from
 * outside itself. Only `helm template` is real. Each answers what the tests' subjects ask, in the form of the real one
 * (recorded in the lab: kubectl 1.37, Helm 3.22 and 4.3; tctl by the Teleport double), and fails for anything else.
 */
export function fakeProgram(
  { fs, spawnSync, yaml }: Tools,
  { directory, cache, realHelm }: { directory: string; cache: string; realHelm: string },
  { program, args, input }: Call,
): FakeOutcome {
  const state = JSON.parse(fs.readFileSync(`${directory}/state.json`, "utf8")) as FakeState;
  const save = () => fs.writeFileSync(`${directory}/state.json`, JSON.stringify(state));
  const line = [program, ...args].join(" ");
  const result: FakeOutcome = { code: 0, stdout: "", stderr: "" };
  const readsStdin =
    args.some((word) => /^--(filename|values)=-$/.test(word)) || (program === "tctl" && args[0] === "create");
  const stdin = readsStdin ? input() : "";
  const flag = (name: string) => args.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const withoutContext = line.replace(/ --(kube-)?context=\S+/, "");
  const has = (text: string) => line.includes(text) || withoutContext.includes(text);
  const print = (text: string) => {
    result.stdout += text;
  };
  class Failure extends Error {}
  const fail = (text: string): never => {
    throw new Failure(text);
  };
  const changed = () =>
    fs.appendFileSync(`${directory}/calls`, `${JSON.stringify(readsStdin ? `${line}\n${stdin}` : line)}\n`);
  const failure = state.failures.find(({ when }) => has(when));

  /** Rendered once for the same values in all tests: Helm takes a third of a second. */
  const rendered = (templateArgs: string[]) => {
    const cached = fs.existsSync(cache) ? (JSON.parse(fs.readFileSync(cache, "utf8")) as Record<string, string>) : {};
    const key = JSON.stringify([templateArgs, stdin]);
    cached[key] ??= spawnSync(realHelm, ["template", ...templateArgs, "--kube-version=1.33.0"], {
      encoding: "utf8",
      input: stdin,
    }).stdout;
    fs.writeFileSync(cache, JSON.stringify(cached));
    return cached[key];
  };

  const helm = () => {
    const [verb, word = "", name = ""] = args;
    const namespace = flag("namespace") ?? "default";
    if (verb === "version") return print("v3.22.0");
    if (verb === "template") {
      const { status, stdout, stderr } = spawnSync(realHelm, args, { encoding: "utf8", input: stdin });
      Object.assign(result, { code: status ?? 1, stderr, stdout });
      return;
    }
    if (verb === "list") {
      const list = Object.entries(state.releases).map(
        ([release, { revision, chart, namespace: place, status, updated }]) => {
          return {
            name: release,
            namespace: place,
            revision: String(revision),
            updated,
            status,
            chart,
            app_version: "1",
          };
        },
      );
      return print(JSON.stringify(list));
    }
    if (verb === "get") {
      const release = state.releases[name] ?? fail("Error: release: not found");
      return print(word === "values" ? JSON.stringify(release.values) : release.manifest);
    }
    changed();
    if (verb === "upgrade") {
      const [, , release = "", chart = ""] = args;
      const version = flag("version") ?? (chart.startsWith("/") ? "0.1.0" : "1.31.0");
      const chartName = chart.startsWith("/") ? "istio-teleport" : chart;
      const merge = (base: unknown, over: unknown): unknown => {
        const isMap = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
        if (!isMap(base) || !isMap(over)) return over;
        const result = { ...(base as Record<string, unknown>) };
        for (const [key, value] of Object.entries(over as Record<string, unknown>))
          result[key] = merge(result[key], value);
        return result;
      };
      const files = args.filter((text) => text.startsWith("--values=")).map((text) => text.slice("--values=".length));
      const texts = files.map((file) => (file === "-" ? stdin : fs.readFileSync(file, "utf8")));
      const pending = failure?.how === "killed";
      const before = state.releases[release];
      if (before?.status.startsWith("pending"))
        fail("Error: another operation (install/upgrade/rollback) is in progress");
      let manifest = `---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${release}\n`;
      if (chartName === "istio-teleport") {
        const same = args.slice(2).filter((text) => !text.startsWith("--timeout") && !text.startsWith("--kube"));
        manifest = rendered(same);
      }
      state.releases[release] = {
        namespace,
        chart: `${chartName}-${version}`,
        status: pending
          ? before === undefined
            ? "pending-install"
            : "pending-upgrade"
          : failure
            ? "failed"
            : "deployed",
        revision: (before?.revision ?? 0) + 1,
        updated: new Date().toISOString(),
        values: texts.map((text) => yaml.parse(text)).reduce(merge, {}),
        manifest,
      };
      if (failure === undefined) state.missing = [];
    } else if (verb === "uninstall") {
      delete state.releases[word];
      state.objects = state.objects.filter(
        ({ type, metadata: { annotations, labels } }) =>
          !(type === "helm.sh/release.v1" && labels?.name === word) &&
          (annotations?.["meta.helm.sh/release-name"] !== word || annotations["helm.sh/resource-policy"] === "keep"),
      );
    } else if (verb === "rollback") {
      const release = state.releases[word];
      if (release) release.status = "deployed";
    } else fail(`unexpected: ${line}`);
    save();
  };

  const KINDS: Record<string, string> = {
    namespace: "Namespace",
    namespaces: "Namespace",
    deployments: "Deployment",
    pods: "Pod",
    daemonset: "DaemonSet",
    customresourcedefinition: "CustomResourceDefinition",
    customresourcedefinitions: "CustomResourceDefinition",
    configmap: "ConfigMap",
    configmaps: "ConfigMap",
    serviceaccounts: "ServiceAccount",
    secrets: "Secret",
    leases: "Lease",
    authorizationpolicies: "AuthorizationPolicy",
    peerauthentications: "PeerAuthentication",
  };
  const matches = ({ metadata }: FakeObject) => {
    const field = flag("field-selector")?.replace("metadata.name=", "");
    const pairs = (flag("selector") ?? "").split(",").filter((pair) => pair !== "");
    const hasLabel = (pair: string) => {
      const [, key = "", operator, value] = /^(.*?)(!?=)(.*)$/.exec(pair) ?? [];
      return (metadata.labels?.[key] === value) === (operator === "=");
    };
    return pairs.every(hasLabel) && (field === undefined || metadata.name === field || field.startsWith("status"));
  };

  const kubectl = () => {
    const words = args.filter((word) => !word.startsWith("--"));
    const [verb, what = "", name] = words;
    if (verb === "version") {
      const version = { gitVersion: state.kubernetes };
      return print(
        JSON.stringify({
          clientVersion: version,
          ...((flag("client") ?? has("--client")) ? {} : { serverVersion: version }),
        }),
      );
    }
    if (has("/openid/v1/jwks")) return print(state.jwks);
    if (has("openid-configuration")) return print('{"issuer":"https://kubernetes.default.svc"}');
    if (has("config view"))
      return print('{"current-context":"kind","clusters":[{"cluster":{"server":"https://api.example:6443"}}]}');
    if (verb === "create" && stdin.includes("SelfSubjectAccessReview")) {
      const { items } = JSON.parse(stdin) as { items: { spec: { resourceAttributes: { resource: string } } }[] };
      return print(
        items.map(({ spec }) => `${!state.forbidden.includes(spec.resourceAttributes.resource)}\n`).join(""),
      );
    }
    if (verb === "get" && what === "nodes") {
      return print(
        JSON.stringify({
          items: [{ metadata: { name: "node" }, status: { nodeInfo: { kubeletVersion: state.kubernetes } } }],
        }),
      );
    }
    if (verb === "get" && flag("filename") === "-") {
      if (flag("namespace") !== undefined) fail("error: the namespace from the provided object does not match");
      for (const kind of state.missing) {
        if (stdin.includes(`kind: ${kind}`))
          fail(`Error from server (NotFound): ${kind.toLowerCase()}s.apps "x" not found`);
      }
      return print("");
    }
    if (verb === "get" && what === "daemonset") {
      return print(
        JSON.stringify({
          status: { numberReady: state.tbotReady, desiredNumberScheduled: 1, updatedNumberScheduled: 1 },
        }),
      );
    }
    if (verb === "api-resources")
      return print(
        "configmaps\nevents\nserviceaccounts\nsecrets\npods\npods.metrics.k8s.io\ndeployments.apps\nleases.coordination.k8s.io\n",
      );
    if (verb === "get") {
      const kinds = what.split(",").map((word) => KINDS[word.replace(/\..*/, "")] ?? fail(`unexpected kind: ${line}`));
      const found = state.objects.filter(
        (object) =>
          kinds.includes(object.kind) &&
          (name === undefined || object.metadata.name === name) &&
          (flag("namespace") === undefined || object.metadata.namespace === flag("namespace")) &&
          matches(object),
      );
      if (flag("output")?.startsWith("jsonpath")) {
        return print((found[0]?.data as Record<string, string> | undefined)?.mesh ?? "");
      }
      if (flag("output") === "name") {
        return print(found.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}\n`).join(""));
      }
      if (name === undefined) return print(JSON.stringify({ items: found }));
      return print(found[0] === undefined ? "" : JSON.stringify(found[0]));
    }
    changed();
    if (verb === "create") {
      state.objects.push(JSON.parse(stdin) as FakeObject);
    } else if (verb === "label") {
      const object = state.objects.find(({ kind, metadata }) => kind === KINDS[what] && metadata.name === name);
      if (object)
        object.metadata.labels = {
          ...object.metadata.labels,
          ...Object.fromEntries(words.slice(3).map((pair) => pair.split("="))),
        };
    } else if (verb === "delete") {
      const names = words.slice(2);
      state.objects = state.objects.filter(
        (object) =>
          !(
            object.kind === KINDS[what] &&
            matches(object) &&
            (names.length === 0 || names.includes(object.metadata.name))
          ) && !(what === "namespace" && names.includes(object.metadata.namespace ?? "")),
      );
    } else if (verb === "rollout") {
      state.tbotReady = 1;
    } else fail(`unexpected: ${line}`);
    save();
  };

  const tctl = () => {
    const { teleport } = state;
    const [verb, reference = ""] = args;
    if (verb === "version") return print(`Teleport v${teleport.version} git: go1.24\n`);
    if (verb === "status") return print(`Cluster  ${teleport.clusterName}\nVersion  ${teleport.version}\n`);
    const [kind, name] = reference.replace(/^tokens/, "token").split("/");
    const isIt = (resource: { kind: string; metadata: { name: string } }) =>
      resource.kind === kind && (name === undefined || resource.metadata.name === name);
    if (verb === "get") {
      const found = teleport.resources.filter(isIt);
      if (found.length === 0 && name !== undefined) fail(`ERROR: ${kind} "${name}" doesn't exist`);
      return print(JSON.stringify(found));
    }
    changed();
    if (verb === "create") {
      for (const document of yaml.parseAllDocuments(stdin)) {
        const resource = document.toJS() as FakeState["teleport"]["resources"][number];
        teleport.resources = teleport.resources.filter(
          (other) => other.kind !== resource.kind || other.metadata.name !== resource.metadata.name,
        );
        teleport.resources.push(resource);
      }
    } else if (verb === "rm") {
      teleport.resources = teleport.resources.filter((resource) => !isIt(resource));
    } else fail(`unexpected: ${line}`);
    save();
  };

  const programs: Record<string, () => void> = { helm, kubectl, tctl };
  try {
    if (failure !== undefined && !(program === "helm" && args[0] === "upgrade")) {
      changed();
      fail(failure.says);
    }
    programs[program]?.();
    if (failure?.how === "killed") return { ...result, killed: true };
    if (failure !== undefined) fail(failure.says);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...result, code: 1, stderr: `${error.message}\n` };
  }
  return result;
}

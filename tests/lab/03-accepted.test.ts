import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { TELEPORT_CLUSTER_NAME, TELEPORT_HOST } from "../../lab/cluster/addresses.ts";
import { packageVersion } from "../../tools/base/package-files.ts";
import { releaseBytes } from "../../tools/chart/release-size.ts";
import { createNamespace, deleteNamespace, namespaceExists } from "./testkit/cluster/namespaces.ts";
import { podSecurityLevels } from "./testkit/cluster/pod-security.ts";
import { shell } from "./testkit/cluster/shell.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";

const SCENARIOS = readdirSync(join(REPOSITORY, "chart", "ci")).filter((file) => file.endsWith("-values.yaml"));
const HELMS = ["helm3", "helm4"];

/** Objects of the Prometheus Operator's kinds, which this cluster doesn't have: 10-monitoring.test.ts looks at them. */
const PROMETHEUS_OPERATOR = "\napiVersion: monitoring.coreos.com/";

/** What `istioctl analyze` says of manifests, of every namespace: without -A it looks at `default` only. */
async function findings(manifests: string): Promise<unknown[]> {
  return JSON.parse(
    await shell("istioctl analyze -A --use-kube=false --output json -", { input: manifests }),
  ) as unknown[];
}

/** The namespaces that objects of rendered manifests are in. */
function namespacesOf(manifests: string): string[] {
  const objects = parseAllDocuments(manifests).map((document) => document.toJS() as { metadata?: Metadata } | null);
  return [...new Set(objects.flatMap((object) => object?.metadata?.namespace ?? []))];
}

interface Metadata {
  readonly namespace?: string;
}

beforeAll(requireInstalled);

describe.each(HELMS)("%s", (helm) => {
  it.each(SCENARIOS)("lints and renders %s without further flags", async (scenario) => {
    const values = join(REPOSITORY, "chart", "ci", scenario);
    await shell(`${helm} lint --strict '${REPOSITORY}/chart' -f '${values}'`);
    const rendered = await shell(`${helm} template istio-teleport '${REPOSITORY}/chart' -f '${values}'`);
    expect(parseAllDocuments(rendered).length).toBeGreaterThan(5);
  });

  it.each([
    ["1.27.0", "--set mesh.admission.enabled=false"],
    ["1.32.0", ""],
    ["1.37.2", ""],
  ])("renders for Kubernetes %s", async (version, flags) => {
    const values = join(REPOSITORY, "chart", "ci", "test-app-values.yaml");
    await shell(
      `${helm} template istio-teleport '${REPOSITORY}/chart' -f '${values}' --kube-version ${version} ${flags}`,
    );
  });
});

describe.each(HELMS)("as a dependency of a parent chart, %s", (helm) => {
  it.each([
    ["from a folder", `repository: "file://${REPOSITORY}/chart"`, `${helm} dependency update parent --skip-refresh`],
    ["packed", 'repository: ""', `mkdir -p parent/charts && ${helm} package '${REPOSITORY}/chart' -d parent/charts`],
  ])("%s, by an alias, with a condition and another chart's globals", async (_, repository, fetch) => {
    const folder = mkdtempSync(join(tmpdir(), "parent-"));
    const dependency = `{ name: istio-teleport, version: ${packageVersion()}, alias: identity, condition: identity.enabled, ${repository} }`;
    const chart = `apiVersion: v2\nname: platform\nversion: 1.0.0\ndependencies:\n  - ${dependency}\n`;
    const values = `global:
  imageRegistry: mirror.example.com
  hub: docker.io/istio
  teleport: { clusterName: ${TELEPORT_CLUSTER_NAME}, proxyAddr: "${TELEPORT_HOST}:443" }
identity: { enabled: true }
`;
    try {
      mkdirSync(join(folder, "parent"));
      writeFileSync(join(folder, "parent", "Chart.yaml"), chart);
      writeFileSync(join(folder, "parent", "values.yaml"), values);
      await shell(fetch, { cwd: folder });
      const rendered = await shell(`${helm} template x parent --kube-version 1.37.0`, { cwd: folder });
      expect(rendered).toContain("kind: DaemonSet");
      expect(rendered).toContain('image: "mirror.example.com/gravitational/tbot-distroless:');
      const off = await shell(`${helm} template x parent --set identity.enabled=false`, { cwd: folder });
      expect(off).not.toContain("kind:");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.each(SCENARIOS)("%s", (scenario) => {
  const manifests = join(USER_DIR, `${scenario}.manifests.yaml`);
  const made: string[] = [];

  beforeAll(async () => {
    const rendered = await shell(
      `helm template istio-teleport '${REPOSITORY}/chart' -f '${REPOSITORY}/chart/ci/${scenario}' -n teleport-system`,
    );
    const documents = rendered.split(/^---$/m).filter((document) => !document.includes(PROMETHEUS_OPERATOR));
    writeFileSync(manifests, documents.join("---"));
    // A dry run makes no namespace, and an object in one that is not there would be refused for that alone.
    for (const namespace of namespacesOf(rendered)) {
      if (await namespaceExists(namespace)) continue;
      await createNamespace(namespace, { meshed: false });
      made.push(namespace);
    }
  });

  // The chart can't install into a namespace that it should have made itself.
  afterAll(async () => {
    for (const namespace of made) await deleteNamespace(namespace);
  });

  it("is accepted by the API server, strictly", async () => {
    const result = await shell(
      `kubectl apply --server-side --force-conflicts --dry-run=server --validate=strict -f '${manifests}'`,
    );
    expect(result.trim().split("\n").length).toBeGreaterThan(5);
  });

  it("istioctl analyze finds nothing", async () => {
    expect(await findings(readFileSync(manifests, "utf8"))).toEqual([]);
  });

  it("is the same with Helm 3 and Helm 4", async () => {
    const [three, four] = await Promise.all(
      HELMS.map((helm) =>
        shell(`${helm} template istio-teleport '${REPOSITORY}/chart' -f '${REPOSITORY}/chart/ci/${scenario}'`),
      ),
    );
    const objects = (rendered = "") => parseAllDocuments(rendered).map((document) => JSON.stringify(document.toJS()));
    expect(objects(three).toSorted()).toEqual(objects(four).toSorted());
  });
});

describe("Pod Security", () => {
  it("the pods of all scenarios but tbot's are of the level restricted, before Istio's injection", async () => {
    const manifests = SCENARIOS.map((scenario) => readFileSync(join(USER_DIR, `${scenario}.manifests.yaml`), "utf8"));
    const levels = await podSecurityLevels(manifests.join("\n---\n"));
    expect(levels.length).toBeGreaterThan(15);
    // tbot's pods are in the node's PID namespace.
    const others = levels.filter(({ workload }) => !workload.startsWith("DaemonSet "));
    expect(others.filter(({ level }) => level !== "restricted")).toEqual([]);
    expect(levels.filter(({ workload, level }) => workload.startsWith("DaemonSet ") && level !== "privileged")).toEqual(
      [],
    );
  }, 60_000);
});

describe("the API server's strictness", () => {
  it("is real: a misspelt field is refused", async () => {
    const manifest = await shell(
      `helm template istio-teleport '${REPOSITORY}/chart' -f '${REPOSITORY}/chart/ci/minimal-values.yaml' -n teleport-system`,
    );
    await expect(
      shell("kubectl apply --server-side --force-conflicts --dry-run=server --validate=strict -f -", {
        input: manifest.replace("hostPID:", "hostPid:"),
      }),
    ).rejects.toThrow(/hostPid/);
  });
});

describe("istioctl's analysis", () => {
  it("is real: a misspelt field of a policy is found", async () => {
    const manifest = await shell(
      `helm template istio-teleport '${REPOSITORY}/chart' -f '${REPOSITORY}/chart/ci/test-app-values.yaml' -n teleport-system`,
    );
    expect(await findings(manifest.replace("principals:", "princpals:"))).toMatchObject([{ code: "IST0106" }]);
  });
});

describe("the admission policy", () => {
  it("has no type-checking warning of the API server's", async () => {
    const warnings = await shell(
      "kubectl get validatingadmissionpolicy istio-teleport-workload-identity -o jsonpath='{.status.typeChecking.expressionWarnings}'",
    );
    expect(warnings).toBe("");
    expect(
      await shell(
        "kubectl get validatingadmissionpolicy istio-teleport-workload-identity -o jsonpath='{.status.observedGeneration}'",
      ),
    ).not.toBe("");
  });
});

describe("the chart's release", () => {
  it("takes about the bytes that doctor --pre counts, in Helm's Secret", async () => {
    const secret = JSON.parse(
      await shell("kubectl -n teleport-system get secret -l name=istio-teleport,owner=helm,status=deployed -o json"),
    ) as { items: { data: { release: string } }[] };
    const kept = Buffer.from(secret.items[0]?.data.release ?? "", "base64").length;
    const manifest = await shell("helm get manifest istio-teleport -n teleport-system");
    const values = JSON.parse(await shell("helm get values istio-teleport -n teleport-system -o json"));
    const counted = await releaseBytes(manifest, values);
    process.stderr.write(`release: ${kept} bytes in the Secret, ${counted} counted\n`);
    expect(Math.abs(counted / kept - 1)).toBeLessThan(0.2);
  });
});

describe("Teleport's resources", () => {
  const stored = async () =>
    Promise.all(["role", "bot", "workload_identity"].map((kind) => shell(`tctl get ${kind} --format json`)));

  it.each(["yaml", "json"])("as %s are taken by tctl, and say the same", async (form) => {
    const before = await stored();
    const render = `npx -p istio-teleport istio-teleport render teleport -f values.yaml --format ${form}`;
    await shell(`${render} | tctl create -f`, { cwd: USER_DIR });
    expect(await stored()).toEqual(before);
  });
});

describe("the running mesh", () => {
  it("istioctl analyze finds nothing in the namespaces that we install into", async () => {
    for (const namespace of ["teleport-system", "test-app"]) {
      expect(JSON.parse(await shell(`istioctl analyze -n ${namespace} --output json`))).toEqual([]);
    }
  });
});

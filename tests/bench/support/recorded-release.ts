import { writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { groupBy } from "../../../tools/base/group-by.ts";
import { CHART_DIR } from "../../../tools/base/package-files.ts";
import { parseManifests } from "../../../tools/chart/manifests.ts";
import { mustRun } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { withTempDir } from "../../../tools/programs/temp-dir.ts";

/** Seconds: Helm takes long for thousands of services, and longer on a busy machine. */
const PATIENCE = 300;

/** What Helm made of some values. */
interface Recorded {
  /** The rendered objects, YAML. */
  readonly manifests: string;
  /** Of the record of the release. */
  readonly bytes: number;
}

/**
 * The record that `helm install` keeps of our chart: what it sends to the API server as a Secret, before it sends any
 * object. The API server here knows the kinds of the rendered objects, holds none, and refuses to keep the Secret.
 *
 * @throws Error with Helm's words when it sends no Secret
 */
export async function recordedRelease(values: object): Promise<Recorded> {
  return withTempDir(async (dir) => {
    const file = join(dir, "values.yaml");
    await writeFile(file, JSON.stringify(values));
    const chart = ["istio-teleport", CHART_DIR, "--namespace=teleport-system", `--values=${file}`];
    const template = { program: "helm", args: ["template", ...chart, "--kube-version=1.33.0"] };
    const manifests = await mustRun(systemRunner, template, { purpose: "render the chart", timeoutSeconds: PATIENCE });
    const server = await serveEmptyCluster(kindsOf(manifests));
    try {
      const kubeconfig = join(dir, "kubeconfig");
      await writeFile(kubeconfig, kubeconfigFor(server.url));
      const args = [
        "install",
        ...chart,
        "--set=checkCRDs=false",
        "--disable-openapi-validation",
        `--kubeconfig=${kubeconfig}`,
      ];
      // Helm asks whether each of the objects is there.
      const unhurried = ["--qps=10000", "--burst-limit=10000"];
      const purpose = "install a release without a cluster";
      const { stderr } = await systemRunner.run(
        { program: "helm", args: [...args, ...unhurried] },
        { purpose, timeoutSeconds: PATIENCE },
      );
      const bytes = server.secretBytes();
      if (bytes === undefined) throw new Error(`helm install sent no Secret: ${stderr}`);
      return { manifests, bytes };
    } finally {
      server.close();
    }
  });
}

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

function kindsOf(manifests: string): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const { apiVersion, kind } of parseManifests(manifests)) {
    const [version = "", group = ""] = apiVersion.split("/").toReversed();
    kinds.set(`${apiVersion} ${kind}`, { group, version, kind });
  }
  return [...kinds.values()];
}

async function serveEmptyCluster(kinds: readonly Kind[]) {
  let bytes: number | undefined;
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const path = request.url?.split("?")[0] ?? "";
    const discovered = [
      { path: "/api", of: kinds.filter(({ group }) => group === "") },
      { path: "/apis", of: kinds.filter(({ group }) => group !== "") },
    ];
    const discovery = discovered.find((each) => each.path === path);
    if (path === "/version") return answer(response, 200, { major: "1", minor: "33", gitVersion: "v1.33.0" });
    if (discovery !== undefined) return answer(response, 200, discoveryOf(discovery.of), DISCOVERY);
    if (request.method === "POST") {
      bytes ??= releaseIn(body);
      return answer(response, 422, refusal("Invalid", "counted", 422));
    }
    if (path.endsWith("/secrets")) return answer(response, 200, { kind: "SecretList", apiVersion: "v1", items: [] });
    answer(response, 404, refusal("NotFound", "not found", 404));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    secretBytes: () => bytes,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

function answer(response: ServerResponse, status: number, body: object, type = "application/json"): void {
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

function refusal(reason: string, message: string, code: number): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", reason, message, code };
}

function discoveryOf(kinds: readonly Kind[]): object {
  const items = groupBy(kinds, ({ group }) => group);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    items: [...items].map(([group, all]) => ({
      metadata: { name: group },
      versions: [...groupBy(all, ({ version }) => version)].map(([version, own]) => ({
        version,
        resources: own.map(({ kind }) => ({
          resource: `${kind.toLowerCase()}s`,
          responseKind: { group, version, kind },
          scope: "Namespaced",
          verbs: ["get", "create"],
        })),
      })),
    })),
  };
}

/** The length of `data.release`. Helm 3 sends the Secret as JSON, Helm 4 as protobuf: a key, then its value. */
function releaseIn(secret: Buffer): number {
  const json = secret.toString("latin1");
  if (json.startsWith("{")) return Buffer.from(JSON.parse(json).data.release, "base64").length;
  const key = json.indexOf("\x0a\x07release\x12");
  if (key < 0) throw new Error("the Secret has no release");
  let length = 0;
  for (let at = key + 10, shift = 0; ; at++, shift += 7) {
    const byte = secret[at] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return length;
  }
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "empty", cluster: { server } }],
    contexts: [{ name: "empty", context: { cluster: "empty", user: "nobody" } }],
    users: [{ name: "nobody", user: {} }],
    "current-context": "empty",
  });
}

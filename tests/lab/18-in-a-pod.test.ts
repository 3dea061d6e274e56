import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolPath } from "../../lab/build/toolbox.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { shellBlock, shellBlocks } from "../../scripts/shell-blocks/blocks.ts";
import { deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { untilReady } from "./testkit/cluster/pods.ts";
import { type Outcome, shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { complaints, type Report } from "./testkit/doctor/doctor.ts";
import { requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";

/** docs/operate/in-a-pod.md, as written, in a pod that has a ServiceAccount and no kubeconfig. */

const file = (name: string, path: string) => ({
  volume: { name, hostPath: { path, type: "File" } },
  mount: { name, mountPath: `/usr/local/bin/${name}`, readOnly: true },
});

/** Node and kubectl of the lab's machine, and the package as npm installed it for the lab's user. */
const PROGRAMS = [file("node", process.execPath), file("kubectl", toolPath(labPaths(), "kubectl"))];

const POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "runner", namespace: "ci", labels: { app: "runner" } },
  spec: {
    serviceAccountName: "istio-teleport-audit",
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: "runner",
        image: "lab.local/client:lab",
        imagePullPolicy: "Never",
        command: ["sleep", "infinity"],
        workingDir: "/audit",
        env: [
          { name: "PATH", value: "/app/node_modules/.bin:/usr/local/bin:/usr/bin:/bin" },
          // Teleport's proxy has a certificate of a private CA.
          { name: "NODE_EXTRA_CA_CERTS", value: "/audit/web-ca.crt" },
        ],
        volumeMounts: [
          ...PROGRAMS.map(({ mount }) => mount),
          { name: "package", mountPath: "/app/node_modules", readOnly: true },
          { name: "audit", mountPath: "/audit" },
        ],
      },
    ],
    volumes: [
      ...PROGRAMS.map(({ volume }) => volume),
      { name: "package", hostPath: { path: join(USER_DIR, "node_modules"), type: "Directory" } },
      { name: "audit", configMap: { name: "audit" } },
    ],
  },
};

function inPod(line: string): Promise<Outcome> {
  return tryShell(`kubectl -n ci exec runner -- bash -c '${line}'`);
}

/** The documented command that starts with these words. */
function documented(start: string): string {
  const commands = shellBlock("docs/operate/in-a-pod.md#commands").split("\n");
  const line = commands.find((each) => each.startsWith(start));
  if (line === undefined) throw new Error(`in-a-pod.md has no command "${start}"`);
  return line;
}

beforeAll(async () => {
  await requireInstalled();
  for (const { script } of shellBlocks("docs/operate/in-a-pod.md#rights")) await shell(script);
  const webCa = join(labPaths().pki, "web-ca.crt");
  await shell(
    `kubectl -n ci create configmap audit --from-file='${webCa}' --from-file=token.json=<(
       tctl get token/istio-tbot-k8s-join --format json)`,
    { cwd: USER_DIR },
  );
  await shell("kubectl create -f -", { input: JSON.stringify(POD) });
  await untilReady("ci", "app=runner", 90);
});

afterAll(async () => {
  await deleteNamespace("ci");
  await shell(
    "kubectl delete clusterrolebinding/istio-teleport-audit clusterrole/istio-teleport-audit clusterrole/istio-teleport-audit-pods",
  );
  await shell(
    "for n in teleport-system test-app; do kubectl -n $n delete rolebinding istio-teleport-audit --ignore-not-found; done",
  );
});

describe("a pod with kubectl, Node and the package, without a kubeconfig", () => {
  it("has nothing but its ServiceAccount", async () => {
    expect((await inPod("kubectl config view --output=json")).stdout).toMatch(/"clusters": null/);
    expect((await inPod("which helm tctl")).stdout).toBe("");
  });

  it("makes the token that the user outside makes", async () => {
    const made = await inPod(documented("istio-teleport gen-token"));
    expect(made.code).toBe(0);
    expect(made.stderr).toContain("1 key of this pod's cluster (https://");
    const outside = await shell("npx -p istio-teleport istio-teleport gen-token", { cwd: USER_DIR });
    expect(made.stdout).toBe(outside);
  });

  it("compares the token that Teleport has with the cluster", async () => {
    const same = await inPod(documented("istio-teleport gen-token --check"));
    expect(same).toMatchObject({ code: 0 });
    const changed = await inPod(
      `sed s/teleport-system:tbot/teleport-system:other/ token.json | ${documented("istio-teleport gen-token --check").replace("token.json", "-")}`,
    );
    expect(changed).toMatchObject({ code: 3 });
  });

  it("finds the mesh healthy, with every check that it can make", async () => {
    const { stdout, stderr } = await inPod(`${documented("istio-teleport doctor")} --format json`);
    expect(stderr).toBe("");
    expect(complaints(JSON.parse(stdout) as Report)).toEqual([]);
  });

  it("learns the test app's graph from the sidecars' logs", async () => {
    await shell(
      "kubectl -n test-app exec deploy/allowed-client -c allowed-client -- curl -sS --fail http://server/headers",
    );
    // Envoy writes its access log to the file in batches, seconds apart.
    const learned = await until("the call is in the access log", 60, async () => {
      const { code, stdout } = await inPod(documented("istio-teleport graph learn"));
      return code === 0 ? { stdout } : undefined;
    });
    expect(learned.stdout).toContain("allowed-client");
  });

  it("says in the API server's words what the ServiceAccount may not do", async () => {
    await shell("kubectl -n test-app delete rolebinding istio-teleport-audit");
    const refused = await inPod(documented("istio-teleport graph learn"));
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/system:serviceaccount:ci:istio-teleport-audit.* cannot get resource .*pods\/log/);
  });
});

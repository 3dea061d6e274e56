import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { shellBlock, shellBlocks } from "../../scripts/shell-blocks/blocks.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { auditEvents } from "./testkit/identity/audit-events.ts";
import { type ChartRepositories, serveRepositories } from "./testkit/installation/chart-repository.ts";
import { REPOSITORY, requireEmpty, runStep, THROUGH_CSI, USER_DIR } from "./testkit/installation/installation.ts";
import { installCni } from "./testkit/installation/istio-cni.ts";

let repositories: ChartRepositories;
const started = new Date();

beforeAll(async () => {
  await requireEmpty();
  for (const left of ["values.yaml", "helm-config"]) rmSync(join(USER_DIR, left), { recursive: true, force: true });
  repositories = await serveRepositories();
});

afterAll(() => repositories?.close());

describe("before Istio is there", () => {
  it("the chart is refused in one sentence that says the fix", async () => {
    const attempt = await tryShell(
      `helm install istio-teleport '${REPOSITORY}/chart' -n default --set global.teleport.clusterName=a.example,global.teleport.proxyAddr=a.example:443`,
    );
    expect(attempt.code).not.toBe(0);
    expect(attempt.stderr).toContain("Istio's CRDs are not in this cluster");
    expect(attempt.stderr).toContain("helm install istio-base istio/base");
    expect(await shell("helm list -A -q")).toBe("");
  });

  it("values that only print are refused by an installation", async () => {
    const attempt = await tryShell(
      `helm install istio-teleport '${REPOSITORY}/chart' -n default --set global.teleport.clusterName=a.example,global.teleport.proxyAddr=a.example:443,istio.print=istiod`,
    );
    expect(attempt.code).not.toBe(0);
    expect(attempt.stderr).toContain('istio.print is "istiod"');
  });
});

describe("docs/start/installation.md, as written", () => {
  const steps = shellBlocks("docs/start/installation.md#steps");

  it("has the steps that the design names", () => {
    expect([...new Set(steps.map((step) => step.heading[0]))]).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  });

  for (const [index, step] of steps.entries()) {
    it(`${step.heading} (block ${index + 1})`, async () => {
      if (THROUGH_CSI && step.heading.startsWith("3. ")) await installCni(repositories);
      const output = await runStep(step.script, repositories);
      if (step.script.includes("http_code")) expect(output.trim().split("\n").slice(-2)).toEqual(["200", "403"]);
    });
  }
});

describe("the join", () => {
  it("went through the token that gen-token printed", () => {
    const joins = auditEvents(started).filter((event) => event.event === "bot.join");
    expect(joins.at(-1)).toMatchObject({ success: true, token_name: "istio-tbot-k8s-join", bot_name: "istio-tbot" });
  });

  it("works with the keys that the API server serves: gen-token --verify says so", async () => {
    const outcome = await tryShell("npx -p istio-teleport gen-token -f values.yaml --verify", { cwd: USER_DIR });
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(outcome.stdout).toContain("kind: token");
    expect(outcome.stderr).toMatch(/tbot/);
  });

  it("works with them before tbot is there, too: the demo on a live cluster's keys", async () => {
    const report = await shell("npx -p istio-teleport istio-teleport demo --context lab --output demo", {
      cwd: USER_DIR,
    });
    expect(report).toMatch(/joins: signed with key .* \(another pod than tbot's proves the keys only\)/);
    const jwks = await shell("kubectl get --raw /openid/v1/jwks");
    const { keys } = JSON.parse(jwks) as { keys: { kid: string }[] };
    for (const { kid } of keys)
      expect(readFileSync(join(USER_DIR, "demo", "teleport", "join-token.yaml"), "utf8")).toContain(kid);
  });

  it("is refused, in Teleport's words, with a JWKS whose quotes a sed script escaped; gen-token refuses it before", async () => {
    const jwks = await shell("kubectl get --raw /openid/v1/jwks");
    writeFileSync(join(USER_DIR, "escaped.json"), jwks.replaceAll('"', '\\"'));
    const refused = await tryShell("npx -p istio-teleport gen-token -f values.yaml --jwks-file escaped.json", {
      cwd: USER_DIR,
    });
    expect(refused.code).toBe(1);
    expect(refused.stdout).toBe("");
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    expect(refused.stderr).toContain('\\"');

    const good = await shell("npx -p istio-teleport gen-token -f values.yaml --format json", { cwd: USER_DIR });
    const token = JSON.parse(good) as { spec: { kubernetes: { static_jwks: { jwks: string } } } };
    token.spec.kubernetes.static_jwks.jwks = token.spec.kubernetes.static_jwks.jwks.replaceAll('"', '\\"');
    const before = new Date();
    // As with the real tctl, nothing refuses it here.
    await shell("tctl create -f", { input: JSON.stringify(token) });
    await shell("kubectl -n teleport-system delete pod -l app.kubernetes.io/name=tbot --wait=false");
    try {
      const failed = await until("a refused join in the audit log", 60, async () =>
        auditEvents(before).find((event) => event.event === "bot.join" && event.success === false),
      );
      expect(failed.error).toMatch(
        /parsing provided jwks[:\s]+invalid character '\\\\' looking for beginning of object key string/,
      );
      await until("the same words in tbot's own log", 60, async () =>
        (await tryShell("kubectl -n teleport-system logs ds/tbot --tail=50")).stdout.includes("parsing provided jwks"),
      );
    } finally {
      await shell("tctl create -f", { input: good });
      await shell("kubectl -n teleport-system delete pod -l app.kubernetes.io/name=tbot");
      await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    }
  });
});

describe("a value that render refuses", () => {
  it("leaves istiod as it is: the documented step stops before Helm", async () => {
    const revision = async () =>
      JSON.parse(await shell("helm status istiod -n istio-system -o json")).version as number;
    const before = await revision();
    const script = shellBlock("docs/start/installation.md#istiod").replace(
      "-f values.yaml",
      "-f values.yaml --set tbot.socket.fil=x",
    );
    await expect(runStep(script, repositories)).rejects.toThrow("did you mean tbot.socket.file?");
    expect(await revision()).toBe(before);
  });
});

describe("what is installed", () => {
  it("has the trust domain of the Teleport cluster", async () => {
    const mesh = await shell("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}'");
    expect(mesh).toContain(`trustDomain: ${TELEPORT_CLUSTER_NAME}`);
  });

  it("tbot's configuration is what render checked", async () => {
    const inCluster = await shell("kubectl -n teleport-system get configmap tbot -o jsonpath='{.data.tbot\\.yaml}'");
    const rendered = await shell(
      "npx -p istio-teleport istio-teleport render manifests -f values.yaml -n teleport-system",
      { cwd: USER_DIR },
    );
    for (const line of inCluster.trim().split("\n")) expect(rendered).toContain(line);
  });
});

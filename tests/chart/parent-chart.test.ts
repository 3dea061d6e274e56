import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHART_DIR, packageVersion } from "../../tools/base/package-files.ts";
import { parseManifests } from "../../tools/chart/manifests.ts";
import { helmReason } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { loadValues } from "../../tools/values/load.ts";
import { once } from "../support/render-many.ts";
import { runHelm } from "../support/run-helm.ts";

/** Our chart as platform teams have it: a dependency of their own chart, beside others that share `global` with it. */

const TELEPORT = { clusterName: "a.example", proxyAddr: "a.example:443" };

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "parent-chart-"));
});
afterAll(() => rm(dir, { recursive: true }));

/** What a parent chart says of its dependency on ours. */
interface Dependency {
  /** Key of the chart's values in the parent's. */
  key: string;
  alias?: string;
  condition: string;
  repository: "file" | "tgz";
}

const BY_NAME: Dependency = { key: "istio-teleport", condition: "istio-teleport.enabled", repository: "file" };
const BY_ALIAS: Dependency = { key: "identity", alias: "identity", condition: "identity.enabled", repository: "tgz" };

/** The packed chart; the same for all parents. */
const packed = once(async () => {
  await runHelm(["package", CHART_DIR, "--destination", dir]);
  return join(dir, `istio-teleport-${packageVersion()}.tgz`);
});

/** Templates of Teleport's own chart `tbot`: Helm has one set of names for all charts of a parent. */
const NEIGHBOUR = `{{- define "tbot.name" -}}theirs{{- end }}{{- define "tbot.config" -}}theirs: true{{- end }}`;

/** Directory of a parent chart with the values below as its own, and with Teleport's own chart beside ours. */
async function parentChart(
  name: string,
  { alias, condition, repository }: Dependency,
  values: object,
): Promise<string> {
  const chart = join(dir, name);
  await mkdir(join(chart, "charts"), { recursive: true });
  const source = repository === "file" ? { repository: `file://${CHART_DIR}` } : { repository: "" };
  const dependency = { name: "istio-teleport", version: packageVersion(), ...source, alias, condition };
  const metadata = { apiVersion: "v2", name: "platform", version: "1.0.0", dependencies: [dependency] };
  await writeFile(join(chart, "Chart.yaml"), JSON.stringify(metadata));
  await writeFile(join(chart, "values.yaml"), JSON.stringify(values));
  if (repository === "file") await runHelm(["dependency", "update", chart, "--skip-refresh"]);
  else await cp(await packed(), join(chart, "charts", `istio-teleport-${packageVersion()}.tgz`));
  const neighbour = join(chart, "charts", "tbot");
  await mkdir(join(neighbour, "templates"), { recursive: true });
  await writeFile(join(neighbour, "Chart.yaml"), JSON.stringify({ apiVersion: "v2", name: "tbot", version: "1.0.0" }));
  await writeFile(join(neighbour, "templates", "_helpers.tpl"), NEIGHBOUR);
  return chart;
}

/** What Helm says about a parent with these assignments: the rendered text, or why it refuses. */
async function rendered(chart: string, ...sets: string[]): Promise<{ text: string; refusal: string }> {
  const args = ["template", "x", chart, "--kube-version", "1.33.0", ...sets.flatMap((set) => ["--set", set])];
  const { code, stdout, stderr } = await systemRunner.run({ program: "helm", args }, { purpose: "render the parent" });
  return code === 0 ? { text: stdout.toString(), refusal: "" } : { text: "", refusal: helmReason(stderr) };
}

const FOREIGN = {
  global: { teleport: TELEPORT, hub: "docker.io/istio", storageClass: null, cattle: { clusterId: "local" } },
  "x-labels": { team: "platform" },
};

describe.each([BY_NAME, BY_ALIAS])("as $key by $repository", ({ key, ...dependency }) => {
  const chart = once(() =>
    parentChart(
      key,
      { key, ...dependency },
      { ...FOREIGN, [key]: { enabled: true, "x-own": [1], tbot: { debug: true } } },
    ),
  );

  test("renders with condition, foreign globals and keys for anchors", async () => {
    const { text, refusal } = await rendered(await chart());
    expect(refusal).toBe("");
    const tbot = parseManifests(text).find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "tbot");
    expect(tbot?.data?.["tbot.yaml"]).toContain('proxy_server: "a.example:443"');
    expect(text).toContain("--debug");
  });

  test("renders nothing with the condition off", async () => {
    const { text, refusal } = await rendered(await chart(), `${key}.enabled=false`);
    expect([text.trim(), refusal]).toEqual(["", ""]);
  });

  test("refuses misspelt keys of ours, at each place", async () => {
    const { refusal } = await rendered(
      await chart(),
      "global.telport.clusterName=b",
      "global.teleport.clusterNam=b",
      `${key}.tbto.debug=true`,
      `${key}.enabled=null`,
    );
    for (const place of [/global\/telport/, /clusterNam/, /tbto/, /enabled/]) expect(refusal).toMatch(place);
  });

  test("has the values that the tools read with --values-key", async () => {
    const files = [join(await chart(), "values.yaml")];
    const sets = [`${key}.tbot.image.tag=18.12.0`, "global.teleport.clusterName=b.example"];
    const values = await loadValues(systemRunner, { files, sets, key });
    expect(values.global.teleport).toMatchObject({ clusterName: "b.example", proxyAddr: "a.example:443" });
    expect(values.tbot).toMatchObject({ debug: true, image: { tag: "18.12.0" }, renewalInterval: "10m" });
  });
});

describe("--values-key", () => {
  const load = async (values: object, key: string, ...sets: string[]) => {
    const file = join(dir, "values.yaml");
    await writeFile(file, JSON.stringify(values));
    return loadValues(systemRunner, { files: [file], sets, key });
  };

  test("the parent's global wins over the chart's own, and another chart's may be null", async () => {
    const own = { global: { teleport: { ...TELEPORT, proxyAddr: "own.example:443" }, hub: null } };
    const parent = { global: { teleport: { clusterName: "b.example" }, hub: null }, mesh: own };
    const { global } = await load(parent, "mesh");
    expect(global.teleport).toMatchObject({ clusterName: "b.example", proxyAddr: "own.example:443" });
  });

  test.each([
    [
      "istio-telport",
      "--values-key istio-telport: the values have no chart of that name; did you mean istio-teleport?",
    ],
    [
      "other",
      "the values have no chart of that name; name the chart's key in them (istio-teleport), or write `other: {}` for",
    ],
    ["global", "the values have no chart of that name; name the chart's key in them (istio-teleport)"],
    ["__proto__", "--values-key __proto__: the values have no chart of that name"],
  ])("%s is refused", async (key, sentence) => {
    await expect(load({ global: { teleport: TELEPORT }, "istio-teleport": {} }, key)).rejects.toThrow(sentence);
  });

  test("values that are the chart's own need no key, and a key without a map is not suggested", async () => {
    const sentence =
      "--values-key mesh: the values have no chart of that name; leave --values-key out, or write `mesh: {}`";
    await expect(load({ global: { teleport: TELEPORT } }, "mesh")).rejects.toThrow(sentence);
    await expect(load({ mesh: "x" }, "mesh")).rejects.toThrow(sentence);
    await expect(load({}, "mesh")).rejects.toThrow(sentence);
  });

  test("null for one of our globals is refused", async () => {
    const parent = (global: object) => ({ global: { teleport: TELEPORT, hub: null }, mesh: { global } });
    await expect(load(parent({ teleport: { proxyAddr: null } }), "mesh")).rejects.toThrow("cannot be null");
    await expect(load(parent({}), "mesh", "mesh.global.teleport.bot.name=null")).rejects.toThrow("cannot be null");
  });
});

test("all named templates have the chart's name in front: another chart's of the same name would replace them", async () => {
  const files = (await readdir(CHART_DIR, { recursive: true })).filter((path) => /\.(tpl|yaml|txt)$/.test(path));
  const texts = await Promise.all(files.map((path) => readFile(join(CHART_DIR, path), "utf8")));
  const names = texts.flatMap((text) => [...text.matchAll(/\bdefine "([^"]*)"/g)].map(([, name]) => name));
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !name?.startsWith("istio-teleport."))).toEqual([]);
});

test("the tools name the key that a foreign global is near to", async () => {
  const file = join(dir, "near.yaml");
  await writeFile(file, JSON.stringify({ global: { telport: TELEPORT, teleport: TELEPORT }, "x-anchors": { a: 1 } }));
  await expect(loadValues(systemRunner, { files: [file] })).rejects.toThrow(
    "global.telport is not a value; did you mean global.teleport?",
  );
});

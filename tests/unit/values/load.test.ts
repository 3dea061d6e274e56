import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import { loadValues } from "../../../tools/values/load.ts";

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const MINIMAL = "global: {teleport: {clusterName: a.example, proxyAddr: 'a.example:443'}}\n";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "values-test-"));
});
afterAll(() => rm(dir, { recursive: true }));

const load = (text: string, ...sets: string[]) =>
  loadValues(systemRunner, { files: ["-"], sets, stdin: Readable.from([text]) });

test("a minimal file is the defaults with two values", async () => {
  const expected = structuredClone(DEFAULTS);
  Object.assign(expected.global.teleport, { clusterName: "a.example", proxyAddr: "a.example:443" });
  expect(await load(MINIMAL)).toEqual(expected);
});

test("later files win over earlier ones, --set over both; maps merge, lists replace", async () => {
  const [first, second] = [join(dir, "1.yaml"), join(dir, "2.yaml")];
  await writeFile(first, `${MINIMAL}tbot: {image: {tag: "18.12.0"}, podLabels: {a: x}, tolerations: []}\n`);
  await writeFile(second, 'tbot: {image: {tag: "18.13.0"}, podLabels: {b: y}, resources: {limits: null}}\n');
  const sets = ["tbot.podLabels.b=z", "tbot.extraEnv[0].name=A,tbot.extraEnv[0].value=b\\,c", "tbot.debug=true"];
  const { tbot } = await loadValues(systemRunner, { files: [first, second], sets });
  expect(tbot.image.tag).toBe("18.13.0");
  expect(tbot.podLabels).toEqual({ a: "x", b: "z" });
  expect(tbot.tolerations).toEqual([]);
  expect(tbot.resources).toEqual({ limits: null, requests: { cpu: "50m", memory: "128Mi" } });
  expect(tbot.extraEnv).toEqual([{ name: "A", value: "b,c" }]);
  expect(tbot.debug).toBe(true);
});

test("every wrong value has its sentence, all at once", async () => {
  const wrong = `
global: {teleport: {clusterName: Upper, proxyAddr: "https://x"}}
cluserName: x
tbot: {namespace: {nam: x}, socket: {fil: x, file: a/b}, image: {tag: 18, digest: null}, credentialTTL: 1d, extraEnv: [x]}
istio: {injectionTemplate: gateway, print: null, prin: x}
mesh: {mtls: {mode: strict}}
sockShop: {policies: no}
name: x
`;
  await expect(load(wrong)).rejects.toMatchObject({ name: "ExitError", code: 1 });
  const message = await load(wrong).catch((error: Error) => error.message);
  for (const sentence of [
    'global.teleport.clusterName is "Upper", which does not match',
    'global.teleport.proxyAddr is "https://x", which does not match',
    "Address of the Teleport Proxy Service as `host:port`, without a scheme.",
    "cluserName is not a value; did you mean global.teleport.clusterName?",
    "name is not a value; known here: enabled, checkCRDs, global, istio, tbot, mesh",
    "tbot.namespace.nam is not a value; did you mean tbot.namespace.name?",
    "tbot.socket.fil is not a value; did you mean tbot.socket.file?",
    'tbot.socket.file is "a/b", which does not match',
    'tbot.image.tag is 18, which is not a string: put it in quotes in a values file ("18").',
    "tbot.image.digest is null, which is not a string: leave it out for the default.",
    "istio.prin is not a value; did you mean istio.print?",
    "istio.print is missing: leave it out of your values for the default (null removes it), or give it a value.",
    'tbot.credentialTTL is "1d", which does not match ^[1-9][0-9]{0,6}[smh]$. Lifetime of each workload\'s certificate, as one number with a unit (s, m, h); at most 336h.',
    'tbot.extraEnv[0] is "x", which is not a map.',
    'istio.injectionTemplate is "gateway", a reserved name: choose another one.',
    'mesh.mtls.mode is "strict", but must be one of "STRICT", "PERMISSIVE".',
    'sockShop.policies is false, but must be one of "none", "denyAll", "enforce", "dryRun": put the word in quotes, for on, off, yes and no are booleans.',
  ]) {
    expect(message).toContain(sentence);
  }
  expect(String(message).match(/^sockShop\.policies/gm)).toHaveLength(1);
});

test("a mistyped name is told what names look like, in a list and where empty is allowed, too", async () => {
  const words = "use lowercase letters and digits, with hyphens only between them.";
  const wrong = `global: {teleport: {clusterName: a.example, proxyAddr: "a.example:443", cluster: Prod_1, workloadIdentity: {allowedNamespaces: [Payments]}}}`;
  const message = await load(wrong).catch((error: Error) => error.message);
  expect(String(message).split("\n").sort()).toEqual([
    `global.teleport.cluster is "Prod_1", which does not match ^$|^[a-z0-9]([a-z0-9-]*[a-z0-9])?$: ${words} Short name of this Kubernetes cluster, for a Teleport cluster that serves several.`,
    `global.teleport.workloadIdentity.allowedNamespaces[0] is "Payments", which does not match ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$: ${words}`,
  ]);
});

test.each([
  [
    "cluster: production-europe-west-1",
    'global.teleport.cluster is "production-europe-west-1", which is longer than 20 characters. Short name of this Kubernetes cluster, for a Teleport cluster that serves several.',
  ],
  [
    "workloadIdentity: {allowedNamespaces: [shop, payments, shop]}",
    'global.teleport.workloadIdentity.allowedNamespaces is ["shop","payments","shop"], which lists "shop" twice. Namespaces whose workloads get an identity.',
  ],
])("%s is refused in words, not in the schema's", async (value, sentence) => {
  const wrong = `global: {teleport: {clusterName: a.example, proxyAddr: "a.example:443", ${value}}}`;
  await expect(load(wrong)).rejects.toThrow(sentence);
});

test("a value in place of a map is told the map's keys", async () => {
  const wrong = `global: {teleport: {clusterName: a.example, proxyAddr: "a.example:443"}}\ntbot: {socket: csi}`;
  await expect(load(wrong)).rejects.toThrow(
    'tbot.socket is "csi", which is not a map. Its keys: hostPath, file, mode, transition.',
  );
});

test("unknown keys of one map share one list of the keys that are known", async () => {
  const wrong = `global: {teleport: {clusterName: a.example, proxyAddr: "a.example:443"}}\ntbot: {kubelet: {qqq: 1, zzz: 2}, socket: {xxx: 3}}\n`;
  const message = await load(wrong).catch((error: Error) => error.message);
  expect(String(message).split("\n").sort()).toEqual([
    "tbot.kubelet.qqq and tbot.kubelet.zzz are not values; known here: authorization, skipVerify, caSecret, caPath, address.",
    "tbot.socket.xxx is not a value; known here: hostPath, file, mode, transition.",
  ]);
});

test("a key that stands elsewhere is named there, in each of a few places", async () => {
  const wrong = `${MINIMAL}imagePullSecrets: [x]\ncommonLabels: {a: b}\ntbot: {caSecret: x}\n`;
  const message = await load(wrong).catch((error: Error) => error.message);
  expect(String(message).split("\n").sort()).toEqual([
    "commonLabels is not a value; did you mean global.commonLabels?",
    "imagePullSecrets is not a value; did you mean global.imagePullSecrets or testApp.imagePullSecrets or sockShop.imagePullSecrets?",
    "tbot.caSecret is not a value; did you mean global.teleport.caSecret or tbot.kubelet.caSecret?",
  ]);
});

test("the values of a parent chart have a hint at the flag for them", async () => {
  const parent = `${MINIMAL}identity: {enabled: true, tbot: {debug: true}}\nfleet: {enabled: true}\n`;
  const message = await load(parent).catch((error: Error) => error.message);
  expect(String(message).split("\n")).toEqual([
    expect.stringContaining("fleet is not a value; known here: enabled,"),
    "identity is not a value; for a parent chart's values, in which it names this chart, add --values-key identity.",
  ]);
});

test.each([
  ["a: 1\na: 2", "stdin:2:1: Map keys must be unique: correct the YAML of this values file."],
  ["tbot:\n  x: [b", "stdin:2:8: "],
  ["\ttbot: 1", "stdin:1:1: "],
  ["- tbot", "stdin is not a map of values"],
  ["just text", "stdin is not a map of values"],
  ["global:\n  teleport:\n", "stdin:2:12: a key below global.teleport cannot be null"],
  ['tbot: {nodeSelector: {a: "x\\x7f"}}', "stdin:1:26: a control character stands there, at which Helm"],
  [`${MINIMAL}---\n${MINIMAL}`, "stdin holds more than one YAML document"],
])("the file %j is refused with its place", async (text, sentence) => {
  await expect(load(text)).rejects.toThrow(sentence);
});

test.each(["", "# nothing\n", "null\n", "---\n"])("the empty file %j counts as no values", async (text) => {
  await expect(load(text)).rejects.toThrow("global.teleport.clusterName is empty");
});

test.each([
  ["no-such-file.yaml", "no-such-file.yaml does not exist"],
  [tmpdir(), "is a directory"],
])("the file %s is refused", async (file, sentence) => {
  await expect(loadValues(systemRunner, { files: [file] })).rejects.toThrow(sentence);
});

test("stdin can be named once", async () => {
  await expect(loadValues(systemRunner, { files: ["-", "-"] })).rejects.toThrow("-f - is given twice");
});

test.each(["tbot", "tbot.extraEnv[-1].name=x", "tbot.extraEnv[99999999].name=x"])(
  "--set %s is refused in Helm's words",
  async (assignment) => {
    await expect(load(MINIMAL, assignment)).rejects.toThrow(/^Helm: failed parsing --set data: /);
  },
);

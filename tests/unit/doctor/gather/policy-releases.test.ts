import { expect, it } from "vitest";
import { policyReleases } from "../../../../tools/doctor/gather/policy-releases.ts";
import type { Release } from "../../../../tools/programs/helm-releases.ts";
import type { Runner } from "../../../../tools/programs/run.ts";

const release = (name: string, chart = "istio-teleport"): Release => ({
  ...{
    name,
    chart,
    namespace: "teleport-system",
    revision: 1,
    version: "0.1.0",
    status: "deployed",
    updated: new Date(0),
  },
});

const object = (kind: string, namespace: string) =>
  `---\napiVersion: security.istio.io/v1\nkind: ${kind}\nmetadata: {name: a, namespace: ${namespace}}\n`;

const MANIFESTS: Record<string, string> = {
  shop: object("AuthorizationPolicy", "shop") + object("PeerAuthentication", "shop"),
  // Its application has mode "off".
  open: "\n",
  whole: object("AuthorizationPolicy", "shop") + object("DaemonSet", "teleport-system"),
  "mesh-wide": object("PeerAuthentication", "istio-system"),
};

const run: Runner["run"] = async ({ args }) => ({
  ...{ code: 0, stdout: Buffer.from(MANIFESTS[args[2] ?? ""] ?? ""), stderr: "" },
});
const access = { runner: { run, serve: () => Promise.reject(new Error("nothing serves")) } };

it("finds releases that hold policies of applications and nothing else", async () => {
  const releases = [
    release("istio-teleport"),
    release("istiod", "istiod"),
    ...Object.keys(MANIFESTS).map((name) => release(name)),
  ];
  const found = await policyReleases(access, "istio-system", Promise.resolve({ ok: true, value: releases }));
  expect(found.map(({ name }) => name)).toEqual(["shop", "open"]);
});

it("finds none where the releases could not be read: the reason stands there", async () => {
  expect(await policyReleases(access, "istio-system", Promise.resolve({ ok: false, reason: "no Helm" }))).toEqual([]);
});

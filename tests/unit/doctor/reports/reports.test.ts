import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import pc from "picocolors";
import { expect, it } from "vitest";
import { page } from "../../../../tools/base/documentation.ts";
import { CHECKS } from "../../../../tools/doctor/checks/all.ts";
import { diagnose } from "../../../../tools/doctor/diagnose.ts";
import { makeFacts } from "../../../../tools/doctor/facts/make-facts.ts";
import { jsonReport } from "../../../../tools/doctor/reports/json-report.ts";
import { junitReport } from "../../../../tools/doctor/reports/junit-report.ts";
import { table } from "../../../../tools/doctor/reports/table.ts";
import type { Snapshot } from "../../../../tools/doctor/snapshot.ts";
import { repositoryPath } from "../../../support/run-helm.ts";
import { healthySnapshot } from "../healthy-snapshot.ts";

const SCHEMA = JSON.parse(readFileSync(repositoryPath("docs/reference/doctor-report.schema.json"), "utf8")) as object;
const matchesSchema = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(SCHEMA);

/** A problem of so many pods, one that could not be looked at, and whatever is fine. */
function mixedSnapshot(pods: number): Snapshot {
  const snapshot = healthySnapshot();
  const refused = { ok: false, reason: 'permission missing: nodes is forbidden: User "x" cannot list' } as const;
  snapshot.nodes = refused;
  if (!snapshot.pods.ok) throw new Error("no pods");
  for (let index = 0; index < pods; index++) {
    snapshot.pods.value.push({
      metadata: { name: `late-${index}`, namespace: "shop", annotations: { "inject.istio.io/templates": "sidecar" } },
      spec: { nodeName: nodeName(snapshot), containers: [{ name: "app" }], initContainers: [{ name: "istio-proxy" }] },
      status: { phase: "Running" },
    });
    snapshot.proxies.push({
      namespace: "shop",
      pod: `late-${index}`,
      secrets: { ok: false, reason: "<no> & \u001b[31m" },
    });
  }
  return snapshot;
}

function nodeName({ tbotPods }: Snapshot): string {
  return tbotPods[0]?.node ?? "";
}

const CHOSEN = CHECKS.filter(({ id }) =>
  ["kubernetes-version", "kubelet-rights", "opted-out", "proxy-certificate", "gateway-mount"].includes(id),
);

/** A report whose pages are paths of the repository again: their URLs carry the version, which each release changes. */
function withPaths(report: string): string {
  expect(report).toContain(page("docs/operate/troubleshooting.md#opted-out"));
  return report.replaceAll(page("docs/operate/troubleshooting.md"), "docs/operate/troubleshooting.md");
}

it("prints a table without colour when asked so", () => {
  expect(
    withPaths(table(diagnose(CHOSEN, makeFacts(mixedSnapshot(7))), pc.createColors(false))),
  ).toMatchInlineSnapshot(`
    "The cluster
      ok       kubernetes-version  The Kubernetes version is one that the chart supports (Kubernetes v1.37.2)

    2 Proxies reach tbot's socket, and nobody else writes there
      -        gateway-mount       Each gateway mounts tbot's socket directory, read-only (there is no gateway)
      PROBLEM  opted-out           No pod of a meshed namespace opts out of the mesh or of our template (1 meshed namespace, 12 pods)
               shop/late-0: its annotation inject.istio.io/templates is "sidecar", without our template
               shop/late-1: its annotation inject.istio.io/templates is "sidecar", without our template
               shop/late-2: its annotation inject.istio.io/templates is "sidecar", without our template
               shop/late-3: its annotation inject.istio.io/templates is "sidecar", without our template
               shop/late-4: its annotation inject.istio.io/templates is "sidecar", without our template
               → Remove the annotation or name our template in it, and restart the pod.
               and 2 more: --format json has all
               docs/operate/troubleshooting.md#opted-out

    3 tbot attests the caller
      unknown  kubelet-rights      Each kubelet lets tbot read its pod list (could not look)
               this check: permission missing: nodes is forbidden: User "x" cannot list
               → Fix what this check needs first, or have the permission granted, and look again.
               docs/operate/troubleshooting.md#kubelet-rights

    4 Teleport issues the identity that Istio expects
      unknown  proxy-certificate   Each proxy holds a certificate and uses the one it was given (3 of the proxies of 10 pods answered)
               node lab-node: 7 proxies could not be asked (shop/late-0, shop/late-1, shop/late-2, …): <no> &  [31m
               → Check that \`kubectl logs\` works for these pods (same kubelet path), then rerun.
               docs/operate/troubleshooting.md#proxy-certificate

    1 problem, 2 could not be checked, 1 ok, 1 skipped.
    "
  `);
});

it("colours the words for the status, and nothing that comes from the cluster", () => {
  const text = table(diagnose(CHOSEN, makeFacts(mixedSnapshot(1))), pc.createColors(true));
  expect(text).toContain("\u001b[31mPROBLEM \u001b[39m");
  expect(text).not.toContain("& \u001b[31m");
});

it("shows characters that would reorder the line as their codes", () => {
  const snapshot = mixedSnapshot(1);
  const reordered = { ...snapshot, kubernetesVersion: { ok: false as const, reason: "a\u202eb" } };
  const text = table(diagnose(CHOSEN, makeFacts(reordered)), pc.createColors(false));
  expect(text).toContain("a\\u{202e}b");
  expect(text).not.toContain("\u202e");
});

it("lets nothing of the cluster steer a terminal or break the XML, in any form", () => {
  const evil = "\u001b[2J\u009b\u202e\uffff";
  const results = diagnose(
    CHOSEN,
    makeFacts({ ...healthySnapshot(), kubernetesVersion: { ok: true, value: `v1.37.2-${evil}` } }),
  );
  const [first] = results;
  if (first === undefined) throw new Error("no check");
  first.status = "warning";
  first.findings.push({ status: "warning", subject: evil, evidence: evil, hint: evil });
  const forms = [
    table(results, pc.createColors(false)),
    jsonReport(results, makeFacts(healthySnapshot())),
    junitReport(results),
  ];
  for (const character of ["\u001b", "\u009b"]) {
    expect(forms.map((text) => text.includes(character))).toEqual([false, false, false]);
  }
  expect(forms.map((text) => text.includes("\u202e"))).toEqual([false, false, false]);
  expect(forms[2]).not.toContain("\uffff");
  const { checks } = JSON.parse(forms[1] ?? "") as { checks: { examined: string }[] };
  expect(checks[0]?.examined).toBe(`Kubernetes v1.37.2-${evil}`);
});

it("prints JSON that the published schema describes", () => {
  for (const snapshot of [healthySnapshot(), mixedSnapshot(1)]) {
    const report: unknown = JSON.parse(jsonReport(diagnose(CHECKS, makeFacts(snapshot)), makeFacts(snapshot)));
    matchesSchema(report);
    expect(matchesSchema.errors ?? []).toEqual([]);
  }
  expect(matchesSchema({ schemaVersion: 1 })).toBe(false);
});

it("prints JSON with everything that was found", () => {
  const snapshot = mixedSnapshot(1);
  const report = jsonReport(diagnose(CHOSEN.slice(0, 3), makeFacts(snapshot)), makeFacts(snapshot));
  expect(withPaths(report)).toMatchInlineSnapshot(`
    "{
      "schemaVersion": 1,
      "takenAt": "2026-11-24T17:28:49.000Z",
      "kubernetesVersion": "v1.37.2",
      "exitCode": 1,
      "summary": {
        "ok": 1,
        "warning": 0,
        "problem": 1,
        "unknown": 0,
        "skipped": 1
      },
      "checks": [
        {
          "id": "kubernetes-version",
          "step": "The cluster",
          "title": "The Kubernetes version is one that the chart supports",
          "status": "ok",
          "examined": "Kubernetes v1.37.2",
          "findings": [],
          "documentation": "docs/operate/troubleshooting.md#kubernetes-version"
        },
        {
          "id": "gateway-mount",
          "step": "2 Proxies reach tbot's socket, and nobody else writes there",
          "title": "Each gateway mounts tbot's socket directory, read-only",
          "status": "skipped",
          "examined": "there is no gateway",
          "findings": [],
          "documentation": "docs/operate/troubleshooting.md#gateway-mount"
        },
        {
          "id": "opted-out",
          "step": "2 Proxies reach tbot's socket, and nobody else writes there",
          "title": "No pod of a meshed namespace opts out of the mesh or of our template",
          "status": "problem",
          "examined": "1 meshed namespace, 6 pods",
          "findings": [
            {
              "status": "problem",
              "subject": "shop/late-0",
              "evidence": "its annotation inject.istio.io/templates is \\"sidecar\\", without our template",
              "hint": "Remove the annotation or name our template in it, and restart the pod."
            }
          ],
          "documentation": "docs/operate/troubleshooting.md#opted-out"
        }
      ],
      "proxies": [
        {
          "pod": "test-app/allowed-client-64d8489966-5sc45",
          "issuer": "teleport",
          "expiresAt": "2026-11-24T18:15:55.000Z",
          "usesRoot": "c9ba52224f5cc2de",
          "trustsRoots": [
            "c9ba52224f5cc2de"
          ]
        },
        {
          "pod": "test-app/other-client-dc79c9dcd-jnwcb",
          "issuer": "teleport",
          "expiresAt": "2026-11-24T18:16:02.000Z",
          "usesRoot": "c9ba52224f5cc2de",
          "trustsRoots": [
            "c9ba52224f5cc2de"
          ]
        },
        {
          "pod": "test-app/server-895d54958-mttm4",
          "issuer": "teleport",
          "expiresAt": "2026-11-24T18:15:55.000Z",
          "usesRoot": "c9ba52224f5cc2de",
          "trustsRoots": [
            "c9ba52224f5cc2de"
          ]
        }
      ]
    }
    "
  `);
});

it("prints JUnit XML: failures, errors, skipped, and a warning as output", () => {
  expect(junitReport(diagnose(CHOSEN, makeFacts(mixedSnapshot(1))))).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <testsuites tests="5" failures="1" errors="2" skipped="1">
      <testsuite name="The cluster" tests="1" failures="0" errors="0" skipped="0">
        <testcase classname="kubernetes-version" name="The Kubernetes version is one that the chart supports"/>
      </testsuite>
      <testsuite name="2 Proxies reach tbot's socket, and nobody else writes there" tests="2" failures="1" errors="0" skipped="1">
        <testcase classname="gateway-mount" name="Each gateway mounts tbot's socket directory, read-only">
          <skipped message="there is no gateway"/>
        </testcase>
        <testcase classname="opted-out" name="No pod of a meshed namespace opts out of the mesh or of our template">
          <failure message="its annotation inject.istio.io/templates is &quot;sidecar&quot;, without our template">shop/late-0: its annotation inject.istio.io/templates is &quot;sidecar&quot;, without our template
    → Remove the annotation or name our template in it, and restart the pod.</failure>
        </testcase>
      </testsuite>
      <testsuite name="3 tbot attests the caller" tests="1" failures="0" errors="1" skipped="0">
        <testcase classname="kubelet-rights" name="Each kubelet lets tbot read its pod list">
          <error message="permission missing: nodes is forbidden: User &quot;x&quot; cannot list">this check: permission missing: nodes is forbidden: User &quot;x&quot; cannot list
    → Fix what this check needs first, or have the permission granted, and look again.</error>
        </testcase>
      </testsuite>
      <testsuite name="4 Teleport issues the identity that Istio expects" tests="1" failures="0" errors="1" skipped="0">
        <testcase classname="proxy-certificate" name="Each proxy holds a certificate and uses the one it was given">
          <error message="&lt;no&gt; &amp;  [31m">shop/late-0: &lt;no&gt; &amp;  [31m
    → Check that the pod runs and that \`kubectl logs\` works for it (same kubelet path), then rerun.</error>
        </testcase>
      </testsuite>
    </testsuites>
    "
  `);
});

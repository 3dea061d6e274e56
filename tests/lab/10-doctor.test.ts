import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { shell, until } from "./testkit/cluster/shell.ts";
import { complaints, doctor, type Report } from "./testkit/doctor/doctor.ts";
import { type Case, MESHED, OUTSIDE, type Step, TOKEN } from "./testkit/doctor/doctor-case.ts";
import { SITUATIONS } from "./testkit/doctor/doctor-situations.ts";
import { lasting, type Row, save } from "./testkit/doctor/doctor-table.ts";
import { giveBack } from "./testkit/doctor/field-owners.ts";
import { REPOSITORY, requireInstalled } from "./testkit/installation/installation.ts";
import { markdownTable } from "./testkit/reports/markdown-table.ts";

const DOCUMENTED = markdownTable(join(REPOSITORY, "docs", "proof", "doctor-checks.md"), "What was seen in the lab");

/** What the cases edit by hand, though Helm owns it. */
const EDITED = [
  ["istio-system", "configmap/istio"],
  ["istio-system", "configmap/istio-sidecar-injector"],
  ["istio-system", "deployment/istiod"],
  ["teleport-system", "configmap/tbot"],
  ["teleport-system", "daemonset/tbot"],
] as const;

const rows: Row[] = [];

const look = (flags = "") => doctor(`--token-file ${TOKEN} ${flags}`);

async function take(step: Step): Promise<void> {
  if (typeof step === "string") await shell(step);
  else await step();
}

/** The first finding of each complaint, for people. */
function summary(report: Report): string {
  return complaints(report)
    .map(({ id, findings: [finding] }) => `${id}: ${finding?.subject}: ${finding?.evidence}`)
    .join("\n");
}

async function untilContent(what: string): Promise<void> {
  await until(what, 180, async () => {
    const report = await look();
    if (complaints(report).length > 0) throw new Error(summary(report));
    return true;
  });
}

/** Breaks one thing and waits until doctor names it, and nothing but it and what has the same cause. Returns its words. */
async function expectNamed({
  id,
  break: breakIt,
  evidence,
  also = [],
  perhaps = [],
  flags,
  within = 60,
}: Case): Promise<string> {
  await take(breakIt);
  return until(`doctor names ${id}`, within, async () => {
    const report = await look(flags);
    const named = complaints(report);
    const others = named.map((each) => each.id).filter((each) => !perhaps.includes(each));
    if (others.toSorted().join() !== [id, ...also].toSorted().join()) throw new Error(summary(report));
    // On one line, as the table prints it.
    const said = named
      .flatMap((each) => (each.id === id ? each.findings : []))
      .map((finding) => `${finding.subject}: ${finding.evidence}`.replaceAll(/\s+/g, " "));
    const right = said.find((words) =>
      typeof evidence === "string" ? words.includes(evidence) : evidence.test(words),
    );
    if (right === undefined) throw new Error(summary(report));
    return lasting(right);
  });
}

beforeAll(async () => {
  await requireInstalled();
  await shell(`tctl get token/istio-tbot-k8s-join --format json > ${TOKEN}`);
  await createNamespace(MESHED, { meshed: true });
  await createNamespace(OUTSIDE, { meshed: false });
});

afterAll(async () => {
  save(rows);
  await rm(TOKEN, { force: true });
  for (const [namespace, name] of EDITED) await giveBack(namespace, name);
  await deleteNamespace(MESHED);
  await deleteNamespace(OUTSIDE);
});

describe("doctor on the lab's mesh", () => {
  it("finds nothing wrong while nothing is", { timeout: 240_000 }, async () => {
    await untilContent("doctor is content");
  });

  it.each(SITUATIONS.map(({ cases, heal }) => ({ ids: cases.map(({ id }) => id).join(", "), cases, heal })))(
    "names $ids",
    { timeout: 600_000 },
    async ({ cases, heal }) => {
      try {
        for (const each of cases) rows.push({ check: each.id, how: each.how, said: await expectNamed(each) });
      } finally {
        await take(heal);
      }
      await untilContent("doctor is content again");
      const seen = rows.slice(-cases.length);
      const documented = seen.map(({ check }) => {
        const { "how it was broken": how, "what doctor said": said } = DOCUMENTED[check] ?? {};
        return { check, how, said };
      });
      expect(documented).toEqual(seen);
    },
  );
});

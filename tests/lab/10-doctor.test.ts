import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { complaints, doctor, type Report } from "./testkit/doctor/doctor.ts";
import { type Case, MESHED, OUTSIDE, type Phase, type Step } from "./testkit/doctor/doctor-case.ts";
import { SITUATIONS } from "./testkit/doctor/doctor-situations.ts";
import { lasting, type Row, save } from "./testkit/doctor/doctor-table.ts";
import { giveBack } from "./testkit/doctor/field-owners.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
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

const look = (flags = "") => doctor(`--tctl ${flags}`);

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

/**
 * Breaks what a phase says and waits until doctor names all of it, and nothing but it and what has the same causes.
 * Returns doctor's words, by check.
 */
async function expectNamed(phase: Phase): Promise<Row[]> {
  for (const each of phase) await take(each.break);
  const ids = phase.map(({ id }) => id);
  const perhaps = phase.flatMap((each) => each.perhaps ?? []).filter((id) => !ids.includes(id));
  const wanted = new Set([...ids, ...phase.flatMap(({ also = [] }) => also)].filter((id) => !perhaps.includes(id)));
  const flags = phase.flatMap((each) => each.flags ?? []).join(" ");
  const within = Math.max(...phase.map((each) => each.within ?? 60));
  return until(`doctor names ${ids.join(", ")}`, within, async () => {
    const report = await look(flags);
    const named = complaints(report);
    const others = named.map((each) => each.id).filter((id) => !perhaps.includes(id));
    if (others.toSorted().join() !== [...wanted].toSorted().join()) throw new Error(summary(report));
    return phase.map((each) => ({
      check: each.id,
      how: each.how,
      said: lasting(wordsOf(each, named, phase.length > 1)),
    }));
  });
}

/**
 * What doctor says of a case.
 *
 * @param beOnly whether it may say nothing else by the check, which would be of another case
 */
function wordsOf({ id, evidence, beside = [] }: Case, named: Report["checks"], beOnly: boolean): string {
  // On one line, as the table prints it.
  const said = named
    .flatMap((each) => (each.id === id ? each.findings : []))
    .map((finding) => `${finding.subject}: ${finding.evidence}`.replaceAll(/\s+/g, " "));
  const isRight = (words: string) => (typeof evidence === "string" ? words.includes(evidence) : evidence.test(words));
  const right = said.find(isRight);
  const isForeign = (words: string) => !isRight(words) && !beside.some((other) => other.test(words));
  const isMissing = (other: RegExp) => !said.some((words) => other.test(words));
  if (right === undefined || (beOnly && said.some(isForeign)) || beside.some(isMissing))
    throw new Error(said.join("\n"));
  return right;
}

/** Takes each step, whatever becomes of the others. */
async function takeAll(steps: readonly Step[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await take(step).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace(MESHED, { meshed: true });
  await createNamespace(OUTSIDE, { meshed: false });
});

afterAll(async () => {
  save(rows);
  for (const [namespace, name] of EDITED) await giveBack(namespace, name);
  await deleteNamespace(MESHED);
  await deleteNamespace(OUTSIDE);
});

describe("doctor on the lab's mesh", () => {
  it("finds nothing wrong while nothing is", { timeout: 240_000 }, async () => {
    await untilContent("doctor is content");
    // Nor is there anything where nothing is meshed, and then it says so.
    const { checks } = await look(`--namespace ${OUTSIDE}`);
    const nothing = checks.flatMap(({ id, examined }) => (examined.startsWith("nothing to look at") ? id : []));
    expect(nothing).toEqual(expect.arrayContaining(["tbot-nodes", "proxy-mount", "proxy-certificate", "strict-mtls"]));
  });

  it("says so to who runs it as docs/operate/troubleshooting.md has it", async () => {
    const block = shellBlock("docs/operate/troubleshooting.md#doctor");
    // There is no proxy to ask for the version; tctl, which the two other lines ask, knows it.
    const script = block.replace(/ doctor -f values.yaml$/m, "$& --teleport-version 18.11.0");
    const { code, stdout, stderr } = await tryShell(`set -e\n${script}`, { cwd: USER_DIR });
    expect(code, stdout + stderr).toBe(0);
  });

  it.each(SITUATIONS.map((situation) => ({ ids: situation.phases.flat().map(({ id }) => id), ...situation })))(
    "names $ids",
    { timeout: 600_000 },
    async ({ phases, heal }) => {
      const seen: Row[] = [];
      try {
        for (const phase of phases) seen.push(...(await expectNamed(phase)));
      } finally {
        rows.push(...seen);
        await takeAll(heal);
      }
      await untilContent("doctor is content again");
      const documented = seen.map(({ check }) => {
        const { "how it was broken": how, "what doctor said": said } = DOCUMENTED[check] ?? {};
        return { check, how, said };
      });
      expect(documented).toEqual(seen);
    },
  );
});

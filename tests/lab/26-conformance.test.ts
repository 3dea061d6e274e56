import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Stage } from "../../tools/conformance/stage/stage.ts";
import { shell } from "./testkit/cluster/shell.ts";
import { BLOCK_ISTIODS_CERTIFICATES, BROKEN } from "./testkit/conformance/broken-promises.ts";
import { FLAGS } from "./testkit/conformance/conformance.ts";
import { playAll, withSharedStage } from "./testkit/conformance/shared-stage.ts";
import { RESTORE_CHART } from "./testkit/doctor/doctor-case.ts";
import { giveBack } from "./testkit/doctor/field-owners.ts";
import { tbotIsWell } from "./testkit/faults/fail-closed-cases.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { StartedCommand } from "./testkit/installation/started-command.ts";
import { markdownTable } from "./testkit/reports/markdown-table.ts";

const DOCUMENTED = markdownTable(join(REPOSITORY, "docs", "proof", "test-promises.md"), "What was seen in the lab");

beforeAll(async () => {
  await requireInstalled();
});

afterAll(async () => {
  await tbotIsWell();
  // What a case that failed has left.
  await shell(`${RESTORE_CHART} && ${BLOCK_ISTIODS_CERTIFICATES}`);
  for (const object of EDITED) await giveBack(object[0], object[1]);
});

/** What the cases change by hand, though Helm owns it. */
const EDITED = [
  ["istio-system", "configmap/istio"],
  ["istio-system", "deployment/istiod"],
] as const;

async function namespacesLeft(): Promise<string> {
  return shell("kubectl get namespaces -l app.kubernetes.io/name=istio-teleport-test -o name");
}

describe("each promise, broken in turn", () => {
  it("is named by its scenario, as docs/proof/test-promises.md has it", { timeout: 900_000 }, async () => {
    await withSharedStage(async (stage) => {
      expect((await playAll(stage, { settled: false })).words).toEqual([]);
      const seen: Record<string, Record<string, string>> = {};
      for (const each of BROKEN) {
        const { words, complaints } = await broken(stage, each);
        const said = words.find((line) => line.startsWith(`${each.id}: `))?.slice(each.id.length + 2);
        process.stderr.write(`| ${each.how} | ${each.id} | ${said} | ${(each.also ?? []).join(", ")} |\n`);
        expect(complaints, `${each.how}\n${words.join("\n")}`).toEqual(
          [`problem ${each.id}`, ...(each.also ?? [])].toSorted(),
        );
        expect(words).toContain(`${each.id}: ${each.says}`);
        const others = (each.also ?? []).map((line) => line.split(" ")[1]).join(", ");
        seen[each.how] = { "named by": each.id, "what it said": each.says, "also named by": others };
      }
      expect((await playAll(stage, { settled: false })).words).toEqual([]);
      expect(seen).toEqual(DOCUMENTED);
    });
  });

  async function broken(stage: Stage, { break: breakIt, heal }: (typeof BROKEN)[number]) {
    try {
      await breakIt(stage);
      return await playAll(stage, { settled: true });
    } finally {
      await heal(stage);
    }
  }
});

describe("istio-teleport test", () => {
  it("leaves nothing when it is interrupted, wherever it is", { timeout: 180_000 }, async () => {
    await Promise.all(
      [...MOMENTS, ...CALLS].map(async (words) => {
        const command = new StartedCommand(`exec node_modules/.bin/istio-teleport test ${FLAGS}`, USER_DIR);
        await (CALLS.includes(words) ? command.runs(words) : command.says(words));
        command.interrupt();
        const { code, stderr } = await command.ended;
        expect(code, `${words}: ${stderr}`).toBe(2);
        expect(stderr).toContain("Interrupted (SIGINT)");
      }),
    );
    // Who is interrupted once more while it waits does not wait; the deletion goes on.
    await shell("kubectl wait --for=delete namespace -l app.kubernetes.io/name=istio-teleport-test --timeout=60s");
    expect(await namespacesLeft()).toBe("");
  });
});

/** What it says as it makes its namespace, and waits for pods. */
const MOMENTS = ["in the namespace", "workloads-start"];

/** What it runs as it asks for permissions, reads the mesh, and calls. */
const CALLS = ["--validate=false", "proxy --unix-socket", "exec --namespace"];

import { play } from "../../../../tools/conformance/play.ts";
import { PLAN } from "../../../../tools/conformance/scenarios/plan.ts";
import { readMesh } from "../../../../tools/conformance/stage/mesh.ts";
import { chooseNodes } from "../../../../tools/conformance/stage/nodes.ts";
import { namespaceObject, stageObjects } from "../../../../tools/conformance/stage/objects.ts";
import type { Stage } from "../../../../tools/conformance/stage/stage.ts";
import { withKubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";
import { systemRunner } from "../../../../tools/programs/system-runner.ts";
import { deleteNamespace } from "../cluster/namespaces.ts";
import { shell } from "../cluster/shell.ts";

/** The stage's namespace; a run of the command makes a new name each time. */
export const NAMESPACE = "promises";

/**
 * Calls `use` with one stage of `istio-teleport test` for several plays, since to make and to delete one takes longer than to
 * play on it.
 */
export async function withSharedStage(use: (stage: Stage) => Promise<void>): Promise<void> {
  const access = { runner: systemRunner };
  await withKubeApi(access, async (api) => {
    const stage: Stage = {
      ...{ access, api, namespace: NAMESPACE, renewal: false, settledBy: 0, held: new Set() },
      mesh: await readMesh(api),
      nodes: await chooseNodes(api, 1),
      images: { client: "lab.local/client:lab", server: "lab.local/go-httpbin:lab" },
      timeout: 90,
      stop: new AbortController().signal,
    };
    await create(namespaceObject(stage));
    try {
      await create(stageObjects(stage));
      await use(stage);
    } finally {
      await deleteNamespace(NAMESPACE);
    }
  });
}

export async function create(object: object): Promise<void> {
  await shell("kubectl create -f -", { input: JSON.stringify(object) });
}

/**
 * Plays every scenario. Returns what is not `ok` or skipped, as `<status> <id>`, and the words of every finding.
 *
 * @param settled whether the mesh is known everywhere, so that the first answer counts
 */
export async function playAll(
  stage: Stage,
  { settled }: { readonly settled: boolean },
): Promise<{ complaints: string[]; words: string[] }> {
  const begins = () => {
    if (settled) stage.settledBy = 0;
  };
  const shown = await play(PLAN, stage, { begins, ended: () => {} });
  const wrong = shown.filter(({ status }) => status !== "ok" && status !== "skipped");
  return {
    complaints: wrong.map(({ scenario, status }) => `${status} ${scenario.id}`).toSorted(),
    words: wrong.flatMap(({ scenario, findings }) =>
      findings.map(({ subject, evidence }) => `${scenario.id}: ${subject}: ${evidence}`),
    ),
  };
}

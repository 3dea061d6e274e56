import { randomBytes } from "node:crypto";
import { ExitError } from "../base/exit-error.ts";
import { exitCode } from "../doctor/diagnose.ts";
import { POLICY_NAME } from "../doctor/gather/admission.ts";
import { LABEL } from "../doctor/reports/table.ts";
import { chosenCluster } from "../programs/chosen-cluster.ts";
import { withKubeApi } from "../programs/kube-api/kube-api.ts";
import { accessOf, kubectl } from "../programs/kubectl.ts";
import type { Runner } from "../programs/run.ts";
import { say } from "../terminal/say.ts";
import { DEFAULTS } from "../values/defaults.ts";
import type { TestFlags } from "./flags.ts";
import { untilInterrupted } from "./interruption.ts";
import { play, type Shown } from "./play.ts";
import { report } from "./reports/report.ts";
import { PLAN } from "./scenarios/plan.ts";
import { type Mesh, readMesh } from "./stage/mesh.ts";
import { namespaceObject, stageObjects } from "./stage/objects.ts";
import { withOwnNamespace } from "./stage/own-namespace.ts";
import { untilReady } from "./stage/pods.ts";
import { requireRights } from "./stage/rights.ts";
import type { Stage } from "./stage/stage.ts";

/**
 * Shows every promise of the plan on the chosen cluster in a namespace of its own, prints the report on stdout and sets the
 * exit code: 0 all shown, 1 one is broken, 2 one could not be shown.
 *
 * @param namespace its name, which nobody has used: whatever has it is deleted
 * @throws ExitError refused where layer c is off; unavailable when a permission is missing, the cluster does not answer or
 *   Ctrl-C was pressed: the namespace is taken away then, too
 */
export async function conformance(runner: Runner, flags: TestFlags, namespace = newName()): Promise<void> {
  const startedAt = new Date().toISOString();
  await untilInterrupted(async (stop) => {
    const { access, described } = await chosenCluster(accessOf(runner, flags));
    stop.throwIfAborted();
    await requireRights(access, namespace);
    const { shown, mesh } = await withKubeApi(access, async (api) => {
      const mesh = await readMesh(api);
      stop.throwIfAborted();
      refuseWithoutAdmission(mesh, flags);
      say(`testing the cluster ${described} in the namespace ${namespace}`);
      const stage: Stage = { access, api, mesh, namespace, images: imagesOf(flags), stop };
      const shown = await withOwnNamespace(access, namespace, namespaceObject(stage), flags, async () => {
        stop.throwIfAborted();
        await setUp(stage, flags.timeout);
        return play(PLAN, stage, { begins, ended });
      });
      return { shown, mesh };
    });
    const { trustDomain, revision } = mesh;
    const occasion = { startedAt, cluster: described, namespace, trustDomain, revision };
    process.stdout.write(report(flags.output, shown, occasion));
    process.exitCode = exitCode(shown);
  });
}

function newName(): string {
  return `istio-teleport-test-${randomBytes(4).toString("hex")}`;
}

/** The test app's images unless flags name others. */
function imagesOf({ image, serverImage }: TestFlags): Stage["images"] {
  const { client, server } = DEFAULTS.testApp;
  return { client: image ?? client.image, server: serverImage ?? server.image };
}

function refuseWithoutAdmission({ protectedDirectory }: Mesh, { withoutAdmission }: TestFlags): void {
  if (protectedDirectory !== undefined || withoutAdmission) return;
  throw new ExitError(
    `Layer c is off: the cluster has no ValidatingAdmissionPolicy ${POLICY_NAME} that denies; set mesh.admission.enabled to true, or give --without-admission to leave out what it refuses.`,
  );
}

async function setUp(stage: Stage, timeout: number): Promise<void> {
  const start = Date.now();
  say("starting a server and three clients");
  const stdin = JSON.stringify(stageObjects(stage));
  await kubectl(stage.access, "create the server and its clients", ["create", "--filename=-"], { stdin });
  await untilReady(stage, timeout);
  say(`ready after ${Math.round((Date.now() - start) / 1000)} s`);
}

function begins({ id }: { id: string }, index: number): void {
  say(`${index + 1}/${PLAN.length} ${id}`);
}

function ended({ status, seconds }: Shown): void {
  say(`    ${LABEL[status] === "-" ? "skipped" : LABEL[status]} after ${seconds} s`);
}

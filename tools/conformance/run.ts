import { randomBytes } from "node:crypto";
import { counted } from "../base/count.ts";
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
import { chooseNodes } from "./stage/nodes.ts";
import { namespaceObject, stageObjects } from "./stage/objects.ts";
import { withOwnNamespace } from "./stage/own-namespace.ts";
import { copyOfPullSecret } from "./stage/pull-secret.ts";
import { requireRights } from "./stage/rights.ts";
import type { Stage } from "./stage/stage.ts";

/**
 * Shows every promise of the plan on the chosen cluster in a namespace of its own, prints the report on stdout and sets the
 * exit code: 0 all shown, 1 one is broken, 2 one could not be shown.
 *
 * @param version of istio-teleport, for the report
 * @param namespace its name, which nobody has used: whatever has it is deleted
 * @throws ExitError refused where layer c is off; unavailable when a permission is missing, the cluster does not answer or
 *   Ctrl-C was pressed: the namespace is taken away then, too
 */
export async function conformance(
  runner: Runner,
  flags: TestFlags,
  version: string,
  namespace = newName(),
): Promise<void> {
  const startedAt = new Date();
  await untilInterrupted(async (stop) => {
    const { access, described } = await chosenCluster(accessOf(runner, flags));
    stop.throwIfAborted();
    await requireRights(access, namespace, flags.imagePullSecret);
    const { shown, stage } = await withKubeApi(access, async (api) => {
      const mesh = await readMesh(api);
      const nodes = await chooseNodes(api, flags.nodes);
      stop.throwIfAborted();
      refuseWithoutAdmission(mesh, flags);
      const pullSecret = flags.imagePullSecret && (await copyOfPullSecret(api, flags.imagePullSecret, namespace));
      const stage: Stage = {
        ...{ access, api, mesh, namespace, nodes, stop },
        images: imagesOf(flags),
        ...(flags.imagePullSecret !== undefined && { imagePullSecret: flags.imagePullSecret.name }),
        timeout: flags.timeout,
        renewal: flags.renewal,
        settledBy: 0,
        held: new Set(),
      };
      say(`testing the cluster ${described} in the namespace ${namespace}`);
      const shown = await withOwnNamespace(access, namespace, namespaceObject(stage), flags, async () => {
        stop.throwIfAborted();
        await setUp(stage, pullSecret);
        return play(PLAN, stage, { begins, ended });
      });
      return { shown, stage };
    });
    process.stdout.write(report(flags.output, shown, { version, startedAt, cluster: described, stage }));
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

function refuseWithoutAdmission({ admission }: Mesh, { withoutAdmission }: TestFlags): void {
  if (admission || withoutAdmission) return;
  throw new ExitError(
    `Layer c is off: the cluster has no ValidatingAdmissionPolicy ${POLICY_NAME} that denies; set mesh.admission.enabled to true, or give --without-admission to test the rest.`,
  );
}

async function setUp(stage: Stage, pullSecret: object | undefined): Promise<void> {
  const { names } = stage.nodes;
  say(`starting three services, a client without a sidecar, and one on ${counted(names.length, "node")}`);
  const stdin = JSON.stringify(stageObjects(stage, pullSecret));
  await kubectl(stage.access, "create the services and their clients", ["create", "--filename=-"], { stdin });
}

function begins({ id }: { id: string }, index: number): void {
  say(`${index + 1}/${PLAN.length} ${id}`);
}

function ended({ status, seconds }: Shown): void {
  say(`    ${LABEL[status] === "-" ? "skipped" : LABEL[status]} after ${seconds} s`);
}

import { describe, expect, test } from "vitest";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { mergedValues } from "../../tools/values/load.ts";
import { type Rendered, renderObjects, renderScenario, scenarioInputs, scenarioValues } from "../support/scenarios.ts";
import { renderNotes } from "./support/notes.ts";

/** The CronJob of the checks. What its rights are for is compared with doctor's requests: tests/unit/watch/rights.test.ts. */

const NAME = "istio-teleport-watch";

async function cronJob(scenario: string): Promise<Rendered> {
  const found = (await renderScenario(scenario)).get(`CronJob ${NAME}`);
  if (found === undefined) throw new Error(`the scenario ${scenario} renders no CronJob`);
  return found;
}
const podOf = ({ spec }: Rendered) => spec.jobTemplate.spec.template;
const argsOf = (job: Rendered): string[] => podOf(job).spec.containers[0].args;

test("nothing of it is there unless it is asked for", async () => {
  const objects = await renderObjects("minimal");
  expect(objects.filter(({ kind, metadata }) => kind === "CronJob" || metadata.name.includes("watch"))).toEqual([]);
});

test("its pods fit the Pod Security level restricted, and leave the user to the image or to OpenShift", async () => {
  const { spec } = podOf(await cronJob("monitoring"));
  expect(spec.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
  expect(spec.containers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  for (const key of ["hostNetwork", "hostPID", "hostIPC"]) expect(spec).not.toHaveProperty(key);
  const sources = spec.volumes.flatMap(({ name: _name, ...source }: Rendered) => Object.keys(source));
  expect(sources).toEqual(["configMap", "emptyDir"]);
});

test("it is outside the mesh, whose sidecar would never end, and is no pod of tbot's", async () => {
  const { labels } = podOf(await cronJob("monitoring")).metadata;
  expect(labels["sidecar.istio.io/inject"]).toBe("false");
  expect(labels["app.kubernetes.io/name"]).not.toBe("tbot");
});

test("it looks once a period, never beside itself, and ends", async () => {
  const { spec } = await cronJob("monitoring");
  expect(spec).toMatchObject({
    concurrencyPolicy: "Forbid",
    successfulJobsHistoryLimit: 1,
    failedJobsHistoryLimit: 3,
    suspend: false,
    jobTemplate: { spec: { backoffLimit: 0, activeDeadlineSeconds: 360 } },
  });
  // More than it may look again: a Job that is ended writes no Event.
  expect((await cronJob("everything")).spec.jobTemplate.spec.activeDeadlineSeconds).toBe(390);
});

test("it knows where to look, and which keys the token has", async () => {
  expect(argsOf(await cronJob("monitoring"))).toEqual([
    "watch",
    "--values=/etc/istio-teleport/values.yaml",
    `--event-on=teleport-system/${NAME}`,
    "--wait=1m",
    "--namespace=shop",
    "--namespace=istio-ingress",
    "--key-ids=JiN9xCR2o4jHDvVzNYnXZvMPQTHn",
  ]);
  expect(argsOf(await cronJob("everything"))).toEqual([
    "watch",
    "--values=/etc/istio-teleport/values.yaml",
    `--event-on=identity/${NAME}`,
    "--wait=90s",
    "--teleport-version=18.11.0",
  ]);
});

test("it knows of the values what doctor compares, as if they were given with -f, and no more", async () => {
  const text = (await renderScenario("everything")).get(`ConfigMap ${NAME}`)?.data?.["values.yaml"] ?? "";
  const inputs = { files: [{ name: "values.yaml", text }], sets: [] };
  const told = await mergedValues(systemRunner, inputs);
  const all = await scenarioValues("everything");
  expect(told.global.teleport).toEqual(all.global.teleport);
  expect(told.istio).toEqual(all.istio);
  for (const key of ["enabled", "rootNamespace", "mtls", "admission", "gatewayApi"] as const)
    expect(told.mesh[key]).toEqual(all.mesh[key]);
  for (const key of ["enabled", "nameOverride", "namespace", "serviceAccount", "socket"] as const)
    expect(told.tbot[key]).toEqual(all.tbot[key]);
  expect(all.tbot.extraEnv).not.toEqual([]);
  expect(text).not.toContain("proxy.example.com:3128");
});

test("it trusts the CA of Teleport's proxy that tbot trusts", async () => {
  const { spec } = podOf(await cronJob("everything"));
  const [container] = spec.containers;
  const { value } = container.env.find(({ name }: { name: string }) => name === "NODE_EXTRA_CA_CERTS");
  const mount = container.volumeMounts.find(({ mountPath }: { mountPath: string }) => value.startsWith(mountPath));
  expect(mount.readOnly).toBe(true);
  const volume = spec.volumes.find(({ name }: { name: string }) => name === mount.name);
  expect(volume.secret).toEqual({ secretName: "corporate-ca", items: [{ key: "ca.crt", path: "ca.crt" }] });
});

describe("rights", () => {
  const bindings = async (scenario: string) =>
    (await renderObjects(scenario)).filter(({ kind, roleRef }) => /Binding$/.test(kind) && /watch/.test(roleRef?.name));

  test("the ServiceAccount's token is in this pod only", async () => {
    const account = (await renderScenario("monitoring")).get(`ServiceAccount ${NAME}`);
    expect(account?.automountServiceAccountToken).toBe(false);
    expect(podOf(await cronJob("monitoring")).spec).toMatchObject({
      serviceAccountName: NAME,
      automountServiceAccountToken: true,
    });
  });

  test("what reaches every port of a pod is bound in the listed namespaces only, or everywhere with *", async () => {
    const proxies = async (scenario: string) =>
      (await bindings(scenario))
        .filter(({ roleRef }) => roleRef.name.endsWith("-watch-proxies"))
        .map(({ kind, metadata }) => `${kind} ${metadata.namespace}`);
    expect(await proxies("monitoring")).toEqual(["RoleBinding shop", "RoleBinding istio-ingress"]);
    expect(await proxies("everything")).toEqual(["ClusterRoleBinding undefined"]);
  });

  test("each binding names its role and this ServiceAccount", async () => {
    for (const scenario of ["monitoring", "everything"]) {
      const ids = (await renderObjects(scenario)).map(
        ({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`,
      );
      const all = await bindings(scenario);
      expect(all.length).toBeGreaterThan(4);
      for (const { metadata, roleRef, subjects } of all) {
        const namespace = roleRef.kind === "Role" ? metadata.namespace : undefined;
        expect(ids).toContain(`${roleRef.kind} ${namespace} ${roleRef.name}`);
        const tbot = scenario === "everything" ? "identity" : "teleport-system";
        expect(subjects).toEqual([{ kind: "ServiceAccount", name: NAME, namespace: tbot }]);
      }
    }
  });

  test("nothing can be changed with them: what is created is an Event, a review or a forwarded port", async () => {
    const roles = (await renderObjects("monitoring")).filter(
      ({ kind, metadata }) => /^(Cluster)?Role$/.test(kind) && metadata.name.includes("watch"),
    );
    const rules = roles.flatMap(({ rules: own }) => own as { resources: string[]; verbs: string[] }[]);
    const changing = rules.filter(({ verbs }) => verbs.some((verb) => verb !== "get" && verb !== "list"));
    expect(changing.map(({ resources, verbs }) => `${verbs.join()} ${resources.join()}`).toSorted()).toEqual([
      "create events",
      "create subjectaccessreviews",
      "create,get pods/portforward",
    ]);
    expect(JSON.stringify(rules)).not.toMatch(/"\*"|secrets|exec/);
  });
});

test("NOTES say where the results are, and that keys are not compared without their IDs (with them: the snapshot of `monitoring`)", async () => {
  const sets = ["watch.enabled=true", "watch.image=a.example/tools:1", "watch.namespaces={shop}"];
  const notes = await renderNotes(await scenarioInputs("minimal", ...sets));
  expect(notes).toContain(`kubectl -n teleport-system describe cronjob ${NAME}`);
  expect(notes).toContain("WARNING: watch.keyIds is empty");
});

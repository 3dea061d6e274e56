import { beforeEach, expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { exampleCluster } from "../../../tools/demo/example-cluster.ts";
import { proveJoin } from "../../../tools/demo/join-proof.ts";
import { liveCluster } from "../../../tools/demo/live-cluster.ts";
import { renderAll, TOKEN_PATH } from "../../../tools/demo/render-all.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { type FakeKubectl, fakeKubectl } from "../support/fake-kubectl.ts";
import { MISSING } from "../support/missing-path.ts";
import { refusal } from "../support/refusal.ts";

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const NAME = "example.teleport.sh";
const POD = {
  metadata: { name: "coredns-1", namespace: "kube-system" },
  spec: { serviceAccountName: "coredns", containers: [{ name: "coredns" }] },
};

let fake: FakeKubectl;
beforeEach(() => {
  fake = fakeKubectl();
});

test("the keys of a cluster are proven with any pod's tokens, and the cluster is only read", async () => {
  const behind = await exampleCluster({ namespace: "kube-system", serviceAccount: "coredns" });
  const token = (audience: string, lifeSeconds: number) => behind.podToken({ audience, lifeSeconds });
  fake.answer([
    { when: "get --raw /openid/v1/jwks", stdout: behind.jwks },
    { when: "get pods", stdout: JSON.stringify({ items: [POD] }) },
    {
      when: `--audience=${NAME} --bound-object-kind=Pod --bound-object-name=coredns-1 --duration=600s`,
      stdout: `${await token(NAME, 600)}\n`,
    },
    { when: "--duration=3600s", stdout: await token(NAME, 3600) },
    { when: "--audience=other.example.com", stdout: await token("other.example.com", 600) },
  ]);
  const cluster = await liveCluster({ runner: fake.runner, context: "prod" });
  const files = await renderAll(systemRunner, cluster, NAME);
  const proofs = await proveJoin(cluster, files.find(({ path }) => path === TOKEN_PATH)?.content ?? "", NAME);
  expect(proofs[0]?.tried).toBe("the token of the pod kube-system/coredns-1");
  expect(proofs[0]?.outcome).toMatch(/^joins: .*another pod than tbot's proves the keys only/);
  expect(proofs.slice(1).every(({ outcome }) => outcome.startsWith("refused"))).toBe(true);
  for (const call of fake.calls) {
    expect(call).toMatch(/^--context=prod --request-timeout=\S+ (get|create token) /);
  }
});

test("a cluster without a pod", async () => {
  fake.answer([
    { when: "get --raw", stdout: "{}" },
    { when: "get pods", stdout: '{"items":[]}' },
  ]);
  expect(await refusal(() => liveCluster({ runner: fake.runner, context: "prod" }), EXIT.unavailable)).toContain(
    "No pod runs in this cluster",
  );
});

test("a kubeconfig that does not exist", async () => {
  fake.answer([{ when: "get --raw", stderr: 'error: context "prod" does not exist', code: 1 }]);
  const access = { runner: fake.runner, context: "prod", kubeconfig: MISSING };
  expect(await refusal(() => liveCluster(access), EXIT.unavailable)).toContain(
    `--kubeconfig names ${MISSING}, which does not exist`,
  );
});

test("a kubeconfig without a context is enough", async () => {
  fake.answer([
    { when: "get --raw", stdout: "{}" },
    { when: "get pods", stdout: JSON.stringify({ items: [POD] }) },
  ]);
  const { description } = await liveCluster({ runner: fake.runner, kubeconfig: "/k" });
  expect(description).toBe("the cluster of the kubeconfig /k");
  for (const call of fake.calls) expect(call).toMatch(/^--kubeconfig=\/k --request-timeout=/);
});

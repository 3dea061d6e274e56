import { expect, it } from "vitest";
import { chosenCluster } from "../../../tools/programs/chosen-cluster.ts";
import type { Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";

it.each([
  ["https://admin:hunter2@api.example:6443/k8s/c-1", "https://api.example:6443/k8s/c-1"],
  ["https://api.example/?token=hunter2#x", "https://api.example/"],
  ["https://[fd00::1]:6443", "https://[fd00::1]:6443"],
])("says the server of %s without credentials, since reports name it", async (server, expected) => {
  const config = { "current-context": "prod", clusters: [{ cluster: { server } }] };
  const run: Runner["run"] = async () => ({ code: 0, stdout: Buffer.from(JSON.stringify(config)), stderr: "" });
  const chosen = await chosenCluster({ runner: { ...systemRunner, run } });
  expect([chosen.server, chosen.described]).toEqual([expected, `context "prod" (${expected})`]);
});

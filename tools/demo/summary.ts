import pc from "picocolors";
import { page } from "../base/documentation.ts";
import type { DemoCluster } from "./demo-cluster.ts";
import type { Proof } from "./join-proof.ts";
import type { DemoFile } from "./render-all.ts";

/** What the demo prints: the files, the checks that each passed, what would join, and how to continue. */
export function summary(
  cluster: DemoCluster,
  directory: string,
  files: readonly DemoFile[],
  proofs: readonly Proof[],
): string {
  const width = Math.max(...files.map(({ path }) => path.length));
  const made = files.map(
    ({ path, content, checked }) =>
      `  ${tick()} ${path.padEnd(width)}  ${String(Buffer.byteLength(content)).padStart(6)} bytes  ${pc.dim(checked)}`,
  );
  const joins = proofs.map(({ tried, outcome }) => `  ${tick()} ${tried}\n      ${pc.dim(outcome)}`);
  return `Rendered for ${cluster.description}.

${pc.bold(`${directory}/`)}
${made.join("\n")}

${pc.bold("Who would join Teleport with teleport/join-token.yaml")} (checked as Teleport's Auth Service does)
${joins.join("\n")}

${pc.bold("On your own cluster")} (${page("docs/start/quick-start.md")})
  npx istio-teleport demo --context NAME        the same with that cluster's keys; changes nothing there
  npx istio-teleport init --cluster-name TELEPORT_CLUSTER --proxy-addr HOST:PORT
  npx istio-teleport doctor --pre -f values.yaml
  npx istio-teleport install -f values.yaml
`;
}

function tick(): string {
  return pc.green("✓");
}

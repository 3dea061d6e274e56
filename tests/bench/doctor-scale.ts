/**
 * `npm run bench:doctor`: the CPU seconds of all checks of doctor, for snapshots of 1,000 and 5,000 meshed pods, and how
 * much more a pod of the larger one costs.
 */
import { CHECKS } from "../../tools/doctor/checks/all.ts";
import { diagnose } from "../../tools/doctor/diagnose.ts";
import { makeFacts } from "../../tools/doctor/facts/make-facts.ts";
import { largeSnapshot } from "../unit/doctor/large-snapshot.ts";

const SIZES = [1000, 5000];
/** The fastest of several runs is the one that other programs disturbed least. */
const RUNS = 3;

function cpuSeconds(pods: number): number {
  const runs = Array.from({ length: RUNS }, () => {
    const snapshot = largeSnapshot(pods);
    const before = process.cpuUsage();
    diagnose(CHECKS, makeFacts(snapshot));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  return Math.min(...runs);
}

const measured = SIZES.map((pods) => ({ pods, seconds: cpuSeconds(pods) }));
for (const { pods, seconds } of measured) {
  process.stdout.write(
    `${pods} pods: ${seconds.toFixed(2)} CPU s, ${((seconds / pods) * 1000).toFixed(3)} ms per pod\n`,
  );
}
const perPod = measured.map(({ pods, seconds }) => seconds / pods);
process.stdout.write(`ratio per pod: ${((perPod[1] ?? Number.NaN) / (perPod[0] ?? Number.NaN)).toFixed(2)}\n`);

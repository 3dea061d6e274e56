/**
 * `npm run bench:doctor`: the CPU seconds of all checks of doctor, for snapshots of 1,000 and 5,000 meshed pods, and how
 * much more a pod of the larger one costs. `--save` keeps the result.
 */
import { CHECKS } from "../../tools/doctor/checks/all.ts";
import { diagnose } from "../../tools/doctor/diagnose.ts";
import { makeFacts } from "../../tools/doctor/facts/make-facts.ts";
import { largeSnapshot } from "../unit/doctor/large-snapshot.ts";
import { makeResult, median, point, printAndSave } from "./support/result.ts";

const SIZES = [1000, 5000];
const ROUNDS = 5;

function cpuSeconds(pods: number): number {
  const snapshot = largeSnapshot(pods);
  const before = process.cpuUsage();
  diagnose(CHECKS, makeFacts(snapshot));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const rounds = Array.from({ length: ROUNDS }, () => SIZES.map((pods) => ({ pods, seconds: cpuSeconds(pods) })));
const measured = SIZES.map((pods, index) => ({
  pods,
  seconds: rounds.map((round) => round[index]?.seconds ?? Number.NaN),
}));
const perPod = measured.map(({ pods, seconds }) => seconds.map((each) => (each / pods) * 1000));
const reference = median(perPod[0] ?? []);

await printAndSave(
  makeResult({
    bench: "doctor-scale",
    title: "All checks of doctor over a snapshot",
    command: "npm run bench:doctor",
    x: "meshed pods",
    series: [
      { name: "all", unit: "CPU s", points: measured.map(({ pods, seconds }) => point(pods, seconds)) },
      {
        name: "a pod",
        unit: "CPU ms",
        points: measured.map(({ pods }, index) => point(pods, perPod[index] ?? [], reference)),
      },
    ],
    notes: ["× compares a pod with one of the smallest snapshot. Reading the cluster is not in it."],
  }),
);

import { existsSync, rmSync } from "node:fs";
import { Command, Option } from "commander";
import { EXIT } from "../tools/base/exit-error.ts";
import { runMain } from "../tools/terminal/run-command.ts";
import { wantedVersions } from "./build/versions.ts";
import { down } from "./commands/down.ts";
import { labStatus, statusTable } from "./commands/status.ts";
import { execute, runGoTests, runTests } from "./commands/test-run.ts";
import { runHalves, shareBuilds } from "./commands/two-labs.ts";
import { up } from "./commands/up.ts";
import { passes, runSlice, versionPairs, versionTable } from "./commands/version-table.ts";
import { exclusively } from "./machine/exclusive.ts";
import { type LabPaths, labPaths, secondLabPaths } from "./machine/paths.ts";
import { checkGo, checkRoot } from "./machine/preflight.ts";
import { step } from "./machine/progress.ts";
import { installPackage } from "./machine/user-folder.ts";

const paths = labPaths();
const second = secondLabPaths();

interface TestOptions {
  readonly fresh: boolean;
  readonly halves: boolean;
  readonly down: boolean;
  readonly teleportBin?: string;
}

const program = new Command("lab").description(
  "A real one-node cluster with Istio's programs on this machine, in one network namespace, with a double of Teleport.",
);

program
  .command("up")
  .description("build what is missing, start what isn't running")
  .addOption(teleportBin())
  .action(({ teleportBin }: { teleportBin?: string }) =>
    changing(() => up(paths, wantedVersions(process.env), teleportBin)),
  );

program
  .command("down")
  .description("stop everything and make sure that nothing is left running; also the second lab of test --halves")
  .option("--wipe", "also remove the cluster's state; built components stay", false)
  .action(({ wipe }: { wipe: boolean }) =>
    changing(async () => {
      if (existsSync(second.root)) await removeSecond();
      await down(paths, wipe);
    }),
  );

program
  .command("status")
  .description("how each part is; exit code 0 only if all are healthy")
  .action(async () => {
    const parts = await labStatus(paths);
    process.stdout.write(statusTable(parts));
    if (parts.some(({ healthy }) => !healthy)) process.exitCode = EXIT.unavailable;
  });

program
  .command("test")
  .description("up, then run the lab tests inside the lab; leaves it up")
  .argument("[filter...]", "only test files whose path contains this; vitest's own options are passed on")
  .option("--fresh", "begin with a cluster without state, as after down --wipe", false)
  .addOption(teleportBin())
  .option(
    "--halves",
    "all test files, in half the time: the second half runs in a second lab, which has the first one's builds and is removed afterwards",
    false,
  )
  .option("--down", "stop the lab afterwards, whether the tests passed or not", false)
  .allowUnknownOption()
  .action(async (vitestArguments: string[], options: TestOptions) => {
    const versions = wantedVersions(process.env);
    if (options.fresh) await changing(() => down(paths, true));
    await changing(() => up(paths, versions, options.teleportBin));
    await packInstalled(paths);
    if (options.halves) {
      await changing(removeSecond);
      await changing(() => shareBuilds(paths, second));
      await changing(() => up(second, versions, options.teleportBin));
      await packInstalled(second);
      process.exitCode = await runHalves([paths, second], vitestArguments);
      await changing(removeSecond);
    } else process.exitCode = await runTests(paths, vitestArguments);
    if (options.down) await changing(() => down(paths, false));
  });

program
  .command("versions")
  .description(
    "run the part of the lab tests that a supported version must pass, on each pair of LAB_KUBERNETES and LAB_ISTIO; prints a table",
  )
  .action(async () => {
    const rows = [];
    for (const versions of versionPairs(wantedVersions(process.env))) {
      await changing(() => down(paths, true));
      await changing(() => up(paths, versions));
      await packInstalled(paths);
      rows.push({ versions, results: await runSlice(paths) });
    }
    await changing(() => down(paths, false));
    process.stdout.write(versionTable(rows));
    if (!rows.every(({ results }) => passes(results))) process.exitCode = EXIT.refused;
  });

program
  .command("exec")
  .description("run a command inside the lab, with the lab's programs on its PATH")
  .argument("<command...>", "put -- before it if it has options")
  .action(async (command: string[]) => {
    process.exitCode = await execute(paths, command);
  });

program
  .command("record")
  .description(
    "begin with a cluster without state, and make the recording and the pictures that the documentation shows; needs Chromium and script(1)",
  )
  .action(async () => {
    await changing(() => down(paths, true));
    await changing(() => up(paths, wantedVersions(process.env)));
    await packInstalled(paths);
    process.exitCode = await execute(paths, ["tsx", "scripts/recording/cli.ts"]);
  });

program
  .command("test-go")
  .description(
    "go vet and go test of the lab's own programs: the Teleport double, the registrar's, Sock Shop's stand-in; needs no lab",
  )
  .action(async () => {
    await checkGo();
    process.exitCode = await runGoTests();
  });

function packInstalled(lab: LabPaths): Promise<void> {
  return step("the npm package, packed and installed as a user would", 5, () => installPackage(lab));
}

/** Stops the second lab, if there is one, and removes its folder. Its builds are links to the first one's. */
async function removeSecond(): Promise<void> {
  await down(second, true);
  rmSync(second.root, { recursive: true, force: true });
}

function teleportBin(): Option {
  return new Option(
    "--teleport-bin <folder>",
    "run teleport, tctl and tbot of a Teleport release instead of the double, until down --wipe",
  );
}

/** Work that changes the lab: root's, and one command's at a time. */
async function changing(work: () => Promise<void>): Promise<void> {
  checkRoot();
  await exclusively(paths, work);
}

await runMain(program, process.argv);

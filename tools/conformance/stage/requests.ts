import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { failed } from "../../programs/run.ts";
import type { Stage } from "./stage.ts";

/** Requests of one batch, and how many of them go out in a second (curl's --rate). */
const BATCH = 50;
const RATE = "10/s";

/**
 * Has a pod of the stage send a batch of requests, which takes five seconds.
 *
 * @returns how many got another answer than 200, or none
 * @throws ExitError (unavailable) when kubectl cannot run it there
 */
export async function requests({ access, namespace, stop }: Stage, pod: string, url: string) {
  const curl = [
    "curl",
    "--silent",
    "--max-time",
    "10",
    "--rate",
    RATE,
    "--output",
    "/dev/null",
    "--write-out",
    "%{http_code}\\n",
    `${url}?n=[1-${BATCH}]`,
  ];
  const command = kubectlCommand(access, ["exec", `--namespace=${namespace}`, pod, "--container=app", "--", ...curl]);
  const purpose = `send requests to ${url} from ${pod}`;
  // A server that says nothing may make every one of them wait.
  const { code, stdout, stderr } = await access.runner.run(command, { purpose, timeoutSeconds: BATCH * 11 });
  stop.throwIfAborted();
  const codes = stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "");
  if (codes.length !== BATCH)
    throw failed(command, purpose, stderr === "" ? `${codes.length} answers, exit code ${code}` : stderr);
  return { sent: BATCH, failed: codes.filter((each) => each !== "200").length };
}

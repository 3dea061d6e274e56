import { CUT, cutOff, type ExternalCommand, Interrupted, type Runner } from "../../../../tools/programs/run.ts";
import { systemRunner } from "../../../../tools/programs/system-runner.ts";
import { fakeKubectlOfCluster, isReview, KUBECTL_CHANGES } from "./fake-cluster.ts";
import { fakeHelm, HELM_CHANGES } from "./fake-helm.ts";
import type { Failure, FakeCall, FakeState, Said } from "./fake-state.ts";
import { fakeTctl, TCTL_CHANGES } from "./fake-tctl.ts";

/** helm, kubectl and tctl that share one state, as a cluster and Teleport do. */
export interface FakePrograms {
  /** Runs them, and every other program for real. */
  runner: Runner;
  state: FakeState;
  /**
   * The calls so far that change something, each as "program arguments", with what they read after a line break. Each
   * of helm and kubectl must name a context; the kubeconfig's own is left out here.
   */
  changes: string[];
}

type Program = (call: FakeCall, state: FakeState, failure: Failure | undefined) => Said | Promise<Said>;

const PROGRAMS: Readonly<Record<string, { answer: Program; changes: RegExp }>> = {
  helm: { answer: fakeHelm, changes: HELM_CHANGES },
  kubectl: { answer: fakeKubectlOfCluster, changes: KUBECTL_CHANGES },
  tctl: { answer: fakeTctl, changes: TCTL_CHANGES },
};

/** Each fails for what the tests' subjects do not ask. */
export function fakePrograms(state: FakeState): FakePrograms {
  const changes: string[] = [];
  const run: Runner["run"] = async (command, options) => {
    const program = PROGRAMS[command.program];
    if (program === undefined) return await systemRunner.run(command, options);
    const call = { line: lineOf(command), args: command.args, stdin: command.stdin ?? "" };
    if (program.changes.test(call.line) && !isReview(call.stdin)) changes.push(changeOf(command));
    const failure = state.failures.find(({ when }) =>
      [call.line, withoutContext(call.line)].some((line) => line.includes(when)),
    );
    const leavesTraces = /^helm upgrade /.test(call.line);
    const said = failure === undefined || leavesTraces ? await program.answer(call, state, failure) : {};
    if (failure?.how === "interrupted")
      throw new Interrupted("Interrupted (SIGINT); rerun the same command to resume.");
    if (failure?.how === "killed") throw cutOff(command, options.purpose, CUT.killed("SIGKILL"));
    const stderr = said.stderr ?? failure?.says;
    return { code: stderr === undefined ? 0 : 1, stdout: Buffer.from(said.stdout ?? ""), stderr: stderr ?? "" };
  };
  return { runner: { ...systemRunner, run }, state, changes };
}

function lineOf({ program, args }: ExternalCommand): string {
  return [program, ...args].join(" ");
}

/** A call as the list of changes has it. */
export function changeOf(command: ExternalCommand): string {
  const line = lineOf(command);
  if (command.program !== "tctl" && !/ --(kube-)?context=/.test(line)) {
    throw new Error(`does not name the cluster: ${line}`);
  }
  const own = line.replace(/ --(kube-)?context=kind(?=\s|$)/, "");
  return command.stdin === undefined ? own : `${own}\n${command.stdin}`;
}

function withoutContext(line: string): string {
  return line.replace(/ --(kube-)?context=\S+/, "");
}

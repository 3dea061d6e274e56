import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { kubeconfigReason } from "../../../tools/programs/kubeconfig-reason.ts";

const directory = mkdtempSync(join(tmpdir(), "kubeconfig-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

const file = (name: string) => join(directory, name);
const context = (name: string, cluster: string) => ({ name, context: { cluster, user: "u" } });
const CLUSTERS = [{ name: "c", cluster: { server: "https://c.example" } }];
const FILES: Record<string, object | string> = {
  good: { "current-context": "a", contexts: [context("a", "c")], clusters: CLUSTERS },
  "no-current": { contexts: ["a", "b", "d", "e", "f", "g"].map((name) => context(name, "c")), clusters: CLUSTERS },
  "no-contexts": { clusters: CLUSTERS, contexts: null },
  "empty-file": "",
  "gone-context": { "current-context": "old", contexts: [context("a", "c")], clusters: CLUSTERS },
  "empty-context": { "current-context": "a", contexts: [{ name: "a", context: null }], clusters: CLUSTERS },
  "gone-cluster": { "current-context": "a", contexts: [context("a", "x")], clusters: CLUSTERS },
  "no-yaml": "foo: [",
  "no-object": "5",
};
for (const [name, content] of Object.entries(FILES)) {
  writeFileSync(file(name), typeof content === "string" ? content : JSON.stringify(content));
}
mkdirSync(file("folder"));

const LOCALHOST = "The connection to the server localhost:8080 was refused - did you specify the right host or port?";
const missing = file("missing");

// What kubectl 1.32 to 1.37 says of each is localhost:8080, `stat …`, or `context was not found`.
it.each<[string, { kubeconfig?: string; context?: string }, string, string | undefined]>([
  [
    "the flag's file is not there",
    { kubeconfig: missing },
    "",
    `--kubeconfig names ${missing}, which does not exist; correct the path`,
  ],
  [
    "nor is the variable's",
    {},
    missing,
    `KUBECONFIG names ${missing}, which does not exist; correct the path, or give --kubeconfig`,
  ],
  [
    "nor are all of them",
    {},
    `${missing}${delimiter}${missing}2`,
    `KUBECONFIG names ${missing} and ${missing}2, which do not exist; correct the path, or give --kubeconfig`,
  ],
  [
    "there is no current context",
    { kubeconfig: file("no-current") },
    "",
    `the kubeconfig ${file("no-current")} has no current context; name one with --context (a, b, d, e, f, …)`,
  ],
  ...["no-contexts", "empty-file"].map((name): [string, { kubeconfig: string }, string, string] => [
    `there is no context: ${name}`,
    { kubeconfig: file(name) },
    "",
    `the kubeconfig ${file(name)} holds no context; write it anew with the tool that made the cluster, or give another with --kubeconfig`,
  ]),
  [
    "the current context is not there",
    {},
    file("gone-context"),
    `the kubeconfig ${file("gone-context")} has no context "old"; name one with --context (a)`,
  ],
  [
    "the flag's context is not there",
    { kubeconfig: file("good"), context: "prod" },
    "",
    `the kubeconfig ${file("good")} has no context "prod"; correct --context (a)`,
  ],
  [
    "the context is empty",
    { kubeconfig: file("empty-context") },
    "",
    `the context "a" of the kubeconfig ${file("empty-context")} names no cluster; correct the kubeconfig, or name another context with --context`,
  ],
  [
    "its cluster is not there, and of several files those that exist are named",
    {},
    [missing, file("gone-cluster"), ""].join(delimiter),
    `the context "a" of the kubeconfig ${file("gone-cluster")} names the cluster "x", which is not there; correct the kubeconfig, or name another context with --context`,
  ],
  ["the first file with a current context counts", {}, [file("good"), file("gone-context")].join(delimiter), undefined],
  ["it leads to a cluster", { kubeconfig: file("good") }, missing, undefined],
  ...["no-yaml", "no-object", "folder"].map((name): [string, { kubeconfig: string }, string, undefined] => [
    `kubectl's own words are better: ${name}`,
    { kubeconfig: file(name) },
    "",
    undefined,
  ]),
])("%s", (_, choice, KUBECONFIG, reason) => {
  expect(kubeconfigReason(choice, LOCALHOST, { KUBECONFIG })).toBe(reason);
});

it("names the home directory's file where nothing else is said", () => {
  const nowhere = kubeconfigReason({}, LOCALHOST, { HOME: directory, KUBECONFIG: "" });
  expect(nowhere).toBe(
    `there is no kubeconfig (${join(directory, ".kube", "config")}); give one with --kubeconfig or KUBECONFIG`,
  );
});

it.each(["error: You must be logged in to the server (Unauthorized)", "Unable to connect to the server: EOF"])(
  "leaves %j to others",
  (stderr) => {
    expect(kubeconfigReason({ kubeconfig: missing }, stderr, {})).toBeUndefined();
  },
);

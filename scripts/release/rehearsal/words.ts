import { lastWords } from "../../../tools/programs/last-words.ts";
import type { Ended } from "../run.ts";
import type { Stage } from "./stage.ts";

/** What a command said last, without what is another each time: addresses, hashes, folders, serial numbers, versions. */
export function wordsOf({ stdout, stderr }: Ended, { release, scratch, registry, charts, npm }: Stage): string {
  const named = [
    [scratch.replace(/\/scratch$/, ""), "DIR"],
    [charts, "https://charts.example.com"],
    [npm.url, "https://registry.npmjs.org"],
    [registry, "ghcr.io/istio-teleport"],
  ] as const;
  let words = lastWords(failedSums(stdout) ?? reasonIn(stderr));
  for (const [value, name] of named) words = words.replaceAll(value, name);
  return words
    .replaceAll(/DIR\/\S+(?=: )/g, "FILE")
    .replaceAll(/127\.0\.0\.1:\d+/g, "ghcr.io/istio-teleport")
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:…")
    .replaceAll(/sha512-[A-Za-z0-9+/=]{60,}/g, "sha512-…")
    .replaceAll(release.version, "VERSION")
    .replaceAll(/\b\d+ bytes\b/g, "N bytes")
    .replaceAll("|", "\\|");
}

/** What sha256sum found wrong. */
function failedSums(stdout: string): string | undefined {
  return stdout.split("\n").find((line) => line.endsWith(": FAILED"));
}

/** npm says where its log is after the reason, and cosign says it twice. */
function reasonIn(stderr: string): string {
  const [, reason] = /^(?:Error: |npm error (?!code |A complete log))(.+)$/m.exec(stderr) ?? [];
  return reason ?? stderr;
}

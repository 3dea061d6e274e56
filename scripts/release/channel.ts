import { readFile } from "node:fs/promises";
import { parse } from "yaml";

/**
 * Who gets a release: everybody who names no version (`latest`), who asks for what comes (`next`, a prerelease), or only
 * who names the version (`previous`, a fix of an older one).
 */
export type Channel = "latest" | "next" | "previous";

/** The channel of a version beside those that are published already, in any order. */
export function channelOf(version: string, published: readonly string[]): Channel {
  if (isPrerelease(version)) return "next";
  return published.some((other) => !isPrerelease(other) && isNewer(other, version)) ? "previous" : "latest";
}

/** The versions in an index.yaml of Helm; none without one. */
export async function versionsIn(index: string | undefined): Promise<string[]> {
  if (index === undefined) return [];
  const { entries } = parse(await readFile(index, "utf8")) as { entries?: Record<string, { version: string }[]> };
  return (entries?.["istio-teleport"] ?? []).map(({ version }) => version);
}

function isPrerelease(version: string): boolean {
  return version.includes("-");
}

/** Of two versions that are no prereleases. */
function isNewer(version: string, other: string): boolean {
  const [ours, theirs] = [version, other].map((text) => text.split("+")[0]?.split(".").map(Number) ?? []);
  const different = ours?.findIndex((part, place) => part !== theirs?.[place]) ?? -1;
  return different !== -1 && (ours?.[different] ?? 0) > (theirs?.[different] ?? 0);
}

import { readdirSync, readFileSync } from "node:fs";

/** A process that another one started, directly or through others. */
export interface Descendant {
  pid: number;
  /** Its words, joined by blanks. */
  command: string;
}

/** All processes below `pid` now, from /proc. */
export function descendants(pid: number): Descendant[] {
  const children = new Map<number, Descendant[]>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      // What follows the name in parentheses, which may hold anything: state and parent.
      const parent = Number(/^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1]);
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
      children.set(parent, [...(children.get(parent) ?? []), { pid: Number(name), command }]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (parent: number): Descendant[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

import { X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { CHECKS } from "../../../../tools/doctor/checks/all.ts";
import { diagnose } from "../../../../tools/doctor/diagnose.ts";
import { makeFacts } from "../../../../tools/doctor/facts/make-facts.ts";
import { jsonReport } from "../../../../tools/doctor/reports/json-report.ts";
import type { Snapshot } from "../../../../tools/doctor/snapshot.ts";
import { largeSnapshot } from "../large-snapshot.ts";

it("parses each certificate once for all checks and the report", () => {
  const snapshot = largeSnapshot(20);
  const parsed: string[] = [];
  const facts = makeFacts(snapshot, (pem) => {
    parsed.push(pem);
    return new X509Certificate(pem);
  });
  jsonReport(diagnose(CHECKS, facts), facts);
  const held = snapshot.proxies.flatMap(({ secrets }) =>
    secrets.ok ? [...secrets.value.chain, ...secrets.value.roots] : [],
  );
  expect(parsed).toHaveLength(new Set(parsed).size);
  expect(parsed).toEqual(expect.arrayContaining(held));
});

const WALKS = ["every", "filter", "find", "findLast", "flatMap", "includes", "indexOf", "map", "some"] as const;

/** How many items of arrays the checks walk over; a walk that ends early counts as a whole one. */
function itemsWalked(snapshot: Snapshot): number {
  let items = 0;
  const originals = WALKS.map((name) => [name, Object.getOwnPropertyDescriptor(Array.prototype, name)] as const);
  for (const [name, original] of originals) {
    const walk = original?.value as (...args: unknown[]) => unknown;
    Object.defineProperty(Array.prototype, name, {
      ...original,
      value(this: unknown[], ...args: unknown[]) {
        items += this.length;
        return walk.apply(this, args);
      },
    });
  }
  try {
    diagnose(CHECKS, makeFacts(snapshot));
  } finally {
    for (const [name, original] of originals) Object.defineProperty(Array.prototype, name, original ?? {});
  }
  return items;
}

const MINUTE = 60_000;

it.each([
  ["healthy", 0],
  ["late in its renewal", 40 * MINUTE],
  ["expired", 24 * 60 * MINUTE],
])("walks over no more than in proportion to the pods of a mesh that is %s", (_, later) => {
  const walked = (pods: number) => {
    const snapshot = largeSnapshot(pods);
    if (snapshot.takenAt.ok) snapshot.takenAt.value += later;
    return itemsWalked(snapshot);
  };
  expect(walked(800) / walked(200)).toBeLessThan(4.2);
});

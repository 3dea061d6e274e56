import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Channel, channelOf, versionsIn } from "../../../../scripts/release/channel.ts";
import { npmCommands } from "../../../../scripts/release/publish.ts";
import type { Release } from "../../../../scripts/release/release.ts";

it.each<[string, string[], Channel]>([
  ["0.1.0", [], "latest"],
  ["0.10.0", ["0.9.1", "0.2.0"], "latest"],
  ["1.0.0", ["1.0.0-rc.1", "2.0.0-rc.1"], "latest"],
  ["1.1.5", ["1.1.4", "1.2.0"], "previous"],
  ["1.9.0", ["1.10.0"], "previous"],
  ["1.2.0", ["1.2.0"], "latest"],
  ["1.3.0-rc.1", ["1.2.0"], "next"],
])("%s beside %j is %s", (version, published, channel) => {
  expect(channelOf(version, published)).toBe(channel);
});

it("a fix of an older version does not become what npm installs unasked, which npm would refuse halfway", () => {
  const tagOf = (channel: Channel) =>
    npmCommands({ version: "1.1.5", folder: "/out", channel } as Release).map((command) => command.at(-1));
  expect(tagOf("previous")).toEqual(["previous", "previous"]);
  expect(tagOf("latest")).toEqual(["public", "public"]);
});

it("the chart index says what is published", async () => {
  const folder = await mkdtemp(join(tmpdir(), "index-"));
  const index = join(folder, "index.yaml");
  await writeFile(index, "apiVersion: v1\nentries:\n  istio-teleport:\n    - version: 1.2.0\n    - version: 1.1.0\n");
  expect(await versionsIn(index)).toEqual(["1.2.0", "1.1.0"]);
  await writeFile(index, "apiVersion: v1\nentries: {}\n");
  expect([await versionsIn(index), await versionsIn(undefined)]).toEqual([[], []]);
  await rm(folder, { recursive: true });
});

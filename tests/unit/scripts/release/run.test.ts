import { afterEach, expect, it, vi } from "vitest";
import { run } from "../../../../scripts/release/run.ts";

const NAMES = ["GH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "RELEASE_PGP_KEY"];
afterEach(() => vi.unstubAllEnvs());

const given = async (secret?: "github" | "identity") => {
  for (const name of NAMES) vi.stubEnv(name, `secret of ${name}`);
  const printed = await run("env", [], secret === undefined ? {} : { secret });
  expect(printed).toMatch(/^PATH=/m);
  return NAMES.filter((name) => printed.includes(`${name}=secret`));
};

it("a program of the release gets no secret, for what builds runs other people's code", async () => {
  expect(await given()).toEqual([]);
});

it("a program that publishes gets the one that it needs", async () => {
  expect([await given("github"), await given("identity")]).toEqual([["GH_TOKEN"], ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]]);
});

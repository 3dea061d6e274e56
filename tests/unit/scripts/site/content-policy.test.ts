import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { withContentPolicy } from "../../../../scripts/site/content-policy.ts";

const page = (script: string) =>
  withContentPolicy(`<html><head><script id="a">${script}</script><script src="/x.js"></script></head></html>`);

it("allows just the scripts that the page has, and nothing of another host", () => {
  const policy = /<head>\s*<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(page("a()"))?.[1] ?? "";
  const hash = createHash("sha256").update("a()").digest("base64");
  expect(policy).toContain(`script-src 'self' 'sha256-${hash}'; `);
  expect(policy).toMatch(/^default-src 'none'; /);
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
});

it("follows a script that changes", () => {
  expect(page("a()")).not.toBe(page("b()").replace("b()", "a()"));
});

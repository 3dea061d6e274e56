import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  generalizedPath,
  isExpressible,
  isExpressibleMethod,
  matchesPath,
} from "../../../../tools/graph/learn/path-patterns.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

test.each([
  ["/a", "/a", true],
  ["/a", "/a/", false],
  ["/a*", "/a", true],
  ["/a*", "/ab/c", true],
  ["/a*", "/b", false],
  ["*/info", "/a/info", true],
  ["*/info", "/a/info/", false],
  ["*", "/", true],
  ["/c/{*}/items", "/c/1/items", true],
  ["/c/{*}/items", "/c/1/2/items", false],
  // Tried in the lab with Envoy 1.40, as are the two above.
  ["/c/{*}/items", "/c/x%2fy/items", true],
  ["/c/{*}/items", "/c/a|b/items", false],
  ["/c/{**}", "/c/1/2", true],
  ["/c/{*}/items", "/c//items", false],
  ["/c.d/{*}", "/cxd/1", false],
])("%s on %s: %s", (pattern, path, matches) => {
  expect(matchesPath(pattern, path)).toBe(matches);
});

test.each(["/", "/a/b-c_d.e", "/a%20b", "/a;v=1", "/pkg.Service/Method"])("%s can be a rule", (path) => {
  expect(isExpressible(path)).toBe(true);
});

test.each(["/*", "*", "/a*", "/a/{*}", "/{**}", "/a b", "", "relative", "/a?b"])(
  "%j can not: it would match more",
  (path) => {
    expect(isExpressible(path)).toBe(false);
  },
);

test.each([
  ["/customers/57a98d98e4b00679b4a830b2/cards", "/customers/{*}/cards"],
  ["/catalogue/03fef6ac-1896-4ce8-bd69-b798f85c6e0b", "/catalogue/{*}"],
  ["/orders/12/items/7", "/orders/{*}/items/{*}"],
  ["/e/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/e/{*}"],
  ["/v1/feedface/health", "/v1/feedface/health"],
  ["/items/1/", "/items/1/"],
  ["/a|b/1", "/a|b/1"],
  ["/", "/"],
])("%s generalised: %s", (path, pattern) => {
  expect(generalizedPath(path)).toBe(pattern);
  expect(matchesPath(pattern, path)).toBe(true);
});

test("what can be a rule is what the chart's schema takes, character by character", () => {
  const schema = JSON.parse(readFileSync(repositoryPath("chart/values.schema.json"), "utf8"));
  const { paths, methods } = schema.definitions.Caller.properties;
  const [path, method] = [new RegExp(paths.items.pattern), new RegExp(methods.items.pattern)];
  for (let code = 0; code <= 0x2100; code += 1) {
    const character = String.fromCharCode(code);
    // `*` at the end is a legal pattern, for more than this path.
    if (character !== "*") expect(isExpressible(`/${character}`), `${code}`).toBe(path.test(`/${character}`));
    expect(isExpressibleMethod(`G${character}`), `${code}`).toBe(method.test(`G${character}`));
  }
});

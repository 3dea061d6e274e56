import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { checkExternalLinks } from "../../../../scripts/site/external-links.ts";
import { EXIT } from "../../../../tools/base/exit-error.ts";

/** A host that knows one page, forgets one, and is too busy for the rest. */
let server: Server;
let host: string;
let asked: string[];
let site: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const code = { "/there": 200, "/gone": 404 }[request.url ?? ""] ?? 503;
    response.writeHead(code).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  site = await mkdtemp(join(tmpdir(), "site-"));
});
afterAll(async () => {
  server.close();
  await rm(site, { recursive: true });
});
beforeEach(() => {
  asked = [];
});

async function check(...urls: string[]): Promise<void> {
  await writeFile(join(site, "index.html"), urls.map((url) => `<a href="${url}">x</a>`).join(""));
  await checkExternalLinks(site);
}

it("asks for each page once, and not for pages of the repository", async () => {
  await check(
    `${host}/there`,
    `${host}/there#section`,
    "https://github.com/istio-teleport/istio-teleport/issues",
    "/x",
  );
  expect(asked).toEqual(["/there"]);
});

it("refuses a page that its host does not have, and names where the link is", async () => {
  await expect(check(`${host}/there`, `${host}/gone`, `${host}/busy`)).rejects.toMatchObject({
    code: EXIT.refused,
    message: `1 of 3 links are dead:\n${host}/gone (in index.html): the host answers 404`,
  });
});

it("does not call a link dead whose host is busy", async () => {
  await expect(check(`${host}/there`, `${host}/busy`)).rejects.toMatchObject({
    code: EXIT.unavailable,
    message: `1 of 2 links could not be checked:\n${host}/busy (in index.html): the host answers 503`,
  });
});

it("says that nothing could be checked where there is no network", async () => {
  await expect(check("http://127.0.0.1:1/x", "http://127.0.0.1:1/y")).rejects.toMatchObject({
    code: EXIT.unavailable,
    message: expect.stringMatching(/^None of 2 links could be checked; is there a network\? The first: http/),
  });
});

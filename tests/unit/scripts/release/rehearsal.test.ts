import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { signSumsCommand } from "../../../../scripts/release/publish.ts";
import { releaseWorkflow } from "../../../../scripts/release/rehearsal/certificate-authority.ts";
import { documentedVerification } from "../../../../scripts/release/rehearsal/documented.ts";
import { type Attempt, REFUSALS, TAKEN } from "../../../../scripts/release/rehearsal/refusals.ts";
import { wordsOf } from "../../../../scripts/release/rehearsal/words.ts";
import { markdownTable } from "../../../lab/testkit/reports/markdown-table.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

/** What of a rehearsal can be seen without one. */

describe("docs/proof/release.md", () => {
  const rows = (heading: string, column: string) =>
    Object.entries(markdownTable(repositoryPath("docs/proof/release.md"), heading)).map(
      ([what, cells]) => `${what}: ${cells[column]}`,
    );
  const tried = (attempts: readonly Attempt[]) => attempts.map(({ what, by }) => `${what}: ${by}`);

  it("lists what the rehearsal tampers with, and no more", () => {
    expect(rows("Refused", "refused by")).toEqual(tried(REFUSALS));
    expect(rows("Not noticed", "taken by")).toEqual(tried(TAKEN));
  });
});

describe("docs/operate/upgrade.md", () => {
  it("verifies by the identity of the workflow at the tag of the version", async () => {
    const { registry, sums } = documentedVerification();
    for (const block of [registry, sums])
      expect(block).toContain(`--certificate-identity "${releaseWorkflow("$VERSION")}"`);
    expect(JSON.stringify(readFileSync(repositoryPath(".github/workflows/release.yml"), "utf8"))).toContain(
      'tags: [\\"v*\\"]',
    );
  });

  it("verifies the bundle that the release makes", async () => {
    const { sums } = documentedVerification();
    const command = signSumsCommand({ folder: "/out" }, { cosign: "cosign", signWith: [] });
    expect(command).toEqual([
      "cosign",
      "sign-blob",
      "--yes",
      "--bundle",
      "/out/SHA256SUMS.sigstore.json",
      "/out/SHA256SUMS",
    ]);
    expect(sums).toContain("cosign verify-blob SHA256SUMS --bundle SHA256SUMS.sigstore.json ");
  });
});

describe("the words of a refusal", () => {
  const stage = {
    release: { version: "1.2.3" },
    scratch: "/tmp/x/scratch",
    registry: "127.0.0.1:5000",
    charts: "http://127.0.0.1:5001",
    npm: { url: "http://127.0.0.1:5002" },
  } as Parameters<typeof wordsOf>[1];
  const words = (stderr: string, stdout = "") => wordsOf({ code: 1, stdout, stderr }, stage);

  it.each([
    [
      "Helm's",
      "Pulled: x\nError: no http://127.0.0.1:5001/a-1.2.3.tgz\n",
      "no https://charts.example.com/a-VERSION.tgz",
    ],
    ["cosign's, once", "WARNING: x\nError: bad\nerror during command execution: bad\n", "bad"],
    [
      "npm's, without its log",
      `npm error code E\nnpm error wanted sha512-${"a".repeat(86)}==\nnpm error A complete log: x\n`,
      "wanted sha512-…",
    ],
    ["a file's", "Error: saving /tmp/x/scratch/pulled-7/image.tar: 12 bytes\n", "saving FILE: N bytes"],
  ])("are %s", (_, stderr, expected) => {
    expect(words(stderr)).toBe(expected);
  });

  it("are sha256sum's line of the file, before its warning", () => {
    expect(words("sha256sum: WARNING: 1 did NOT match\n", "a: OK\nb: FAILED\n")).toBe("b: FAILED");
  });
});

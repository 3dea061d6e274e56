import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { contentsOf } from "../../../../scripts/site/contents.ts";
import { navOf, sidebarOf } from "../../../../scripts/site/navigation.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

const place = { base: "/istio-teleport/", isOnSite: (path: string) => path.startsWith("docs/") };
const contents = contentsOf(readFileSync(repositoryPath("docs/README.md"), "utf8"));

describe("the site's menus", () => {
  it("have the sections of docs/README.md and each of its pages, in that order", () => {
    expect(contents.map(({ title }) => title)).toEqual([
      "Start",
      "Operate",
      "Reference",
      "Explain",
      "Decisions",
      "Proof",
    ]);
    const [start, , reference, , decisions, proof] = sidebarOf(contents, place);
    expect(start?.items.slice(0, 2)).toEqual([
      { text: "Quick start", link: "/start/quick-start" },
      { text: "Installation", link: "/start/installation" },
    ]);
    expect(decisions?.items[0]).toEqual({
      text: "0001 istiod is a separate release",
      link: "/decisions/0001-istiod-is-a-release-of-its-own",
    });
    expect(reference?.items).toContainEqual({
      text: "Schema of doctor's JSON report",
      link: "/istio-teleport/reference/doctor-report.schema.json",
    });
    expect(proof?.items.map(({ link }) => link)).toContain("/proof/evidence");
    const links = readFileSync(repositoryPath("docs/README.md"), "utf8").match(/^(\d+\. |\| )\[/gm);
    expect(contents.flatMap(({ entries }) => entries)).toHaveLength(links?.length ?? 0);
  });

  it("lead from above to the first page of each section", () => {
    expect(navOf(contents, place).map(({ link }) => link)).toEqual([
      "/start/quick-start",
      "/operate/policies",
      "/reference/values",
      "/explain/architecture",
      "/decisions/0001-istiod-is-a-release-of-its-own",
      "/proof/lab",
    ]);
  });

  it("are refused rather than emptied by a list of another form", () => {
    expect(() => contentsOf("# Documentation\n\n## Start\n\n- [Quick start](start/quick-start.md)\n")).toThrow(
      'The section "Start" of docs/README.md lists no page.',
    );
  });
});

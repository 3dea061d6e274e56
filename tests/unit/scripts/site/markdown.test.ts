import { expect, it } from "vitest";
import { asOnSite } from "../../../../scripts/site/markdown.ts";

type MarkdownIt = Parameters<typeof asOnSite>[0];
type Rule = Parameters<MarkdownIt["core"]["ruler"]["push"]>[1];

/** What becomes of a block of HTML in docs/start/a.md. */
function htmlOnSite(content: string): string {
  const token = { type: "html_block", content, children: null, attrGet: () => null, attrSet: () => {} };
  let rule: Rule | undefined;
  asOnSite(
    { core: { ruler: { push: (_: string, added: Rule) => (rule = added) } } } as unknown as MarkdownIt,
    () => true,
  );
  rule?.({ tokens: [token], env: { relativePath: "start/a.md" } } as unknown as Parameters<Rule>[0]);
  return token.content;
}

it("a picture in HTML is a file beside the page, and no package of that name", () => {
  expect(htmlOnSite('<picture><source srcset="end.svg"><img alt="" src="a.svg"></picture>')).toBe(
    '<picture><source srcset="./end.svg"><img alt="" src="./a.svg"></picture>',
  );
});

it("a picture elsewhere stays where it is", () => {
  const html = '<img src="../a.svg"><img src="/a.svg"><img src="https://example.com/a.svg"><img src="data:,">';
  expect(htmlOnSite(html)).toBe(html);
});

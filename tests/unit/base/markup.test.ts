import { expect, it } from "vitest";
import { html, htmlText, markupText, scriptJson } from "../../../tools/base/markup.ts";

it("takes everything that is put into a template for text", () => {
  const evil = `</script><img src=x onerror="a('b')">&`;
  const text = markupText(html`<p title="${evil}">${evil}</p>`);
  expect(text.match(/[<>]/g)).toHaveLength(4);
  expect(text).toContain("&#60;/script&#62;&#60;img src=x onerror=&#34;a(&#39;b&#39;)&#34;&#62;&#38;");
});

it("lets stand what templates have made, also in lists, and nothing that only looks like it", () => {
  const items = ["a", "<b>"].map((item) => html`<li>${item}</li>`);
  expect(markupText(html`<ul>${items}${undefined}${7}</ul>`)).toBe("<ul><li>a</li><li>&#60;b&#62;</li>7</ul>");
  const forged = JSON.parse('["<i>", {"markup": "<i>", "Symbol(markup)": "<i>"}]') as string[];
  expect(() => markupText(html`${forged}`)).toThrow();
});

it("shows what would reorder or hide text as its code, and line breaks as blanks", () => {
  expect(htmlText("a\u202eb\u200bc\nd\u001b[31m")).toBe("a\\u{202e}b\\u{200b}c d [31m");
});

it("keeps JSON within its element", () => {
  const value = { a: "</script><!--", b: "\u2028\u202e&", ["__proto__"]: 1 };
  const text = markupText(scriptJson(value));
  expect(text).not.toMatch(/[<>&\u2028\u202e]/);
  expect(JSON.parse(text)).toEqual(value);
});

import { expect, test } from "vitest";
import { outputsOf } from "../../../../scripts/recording/record.ts";
import { ROWS, recordingSvg } from "../../../../scripts/recording/recording-svg.ts";
import { segmentsOf, withShortWaits } from "../../../../scripts/recording/screen.ts";

const WORDS = { title: "a <run>", notes: ["waits are cut"] };

test("script's files are what was printed, and when", () => {
  const log = Buffer.from("Script started on …\nab→\n");
  expect(outputsOf(log, "0.5 2\n1.25 4\n")).toEqual([
    { at: 0.5, text: "ab" },
    { at: 1.75, text: "→\n" },
  ]);
});

test("only long waits are cut", () => {
  const outputs = [0.5, 60, 61].map((at) => ({ at, text: "" }));
  expect(withShortWaits(outputs, 2).map(({ at }) => at)).toEqual([0.5, 2.5, 3.5]);
});

test("the screen knows colours, ends of lines, wrapping, and what was erased", () => {
  const segments = segmentsOf(
    [
      { at: 1, text: "\u001b[1m$ run\u001b[22m\r\n" },
      { at: 2, text: "\r\u001b[Klooking" },
      { at: 3, text: "\r\u001b[K\u001b[32mok\u001b[39m 1234567890" },
    ],
    10,
  );
  expect(segments).toEqual([
    { row: 0, column: 0, text: "$ run", style: "bold", from: 1 },
    { row: 1, column: 0, text: "looking", style: "plain", from: 2, to: 3 },
    { row: 1, column: 0, text: "ok", style: "green", from: 3 },
    { row: 1, column: 2, text: " 1234567", style: "plain", from: 3 },
    { row: 2, column: 0, text: "890", style: "plain", from: 3 },
  ]);
});

test.each(["\u001b[2J", "\u001b[5m", "\u001b7"])("what the screen does not know is refused: %j", (text) => {
  expect(() => segmentsOf([{ at: 0, text }], 80)).toThrow(/can't show/);
});

test("the picture ends with the last lines, and shows nothing but the end to who wants no motion", () => {
  const lines = Array.from({ length: ROWS + 5 }, (_, index) => ({ at: index, text: `line ${index}\r\n` }));
  const svg = recordingSvg(segmentsOf(lines, 80), 80, WORDS, "animated");
  // The end is where the text stands without its animations.
  expect(svg).toContain('<g class="scroll" transform="translate(0 -100)">');
  expect(svg).toMatch(/prefers-reduced-motion:reduce\)\{\.s,\.t,\.scroll\{animation:none\}/);
  expect(svg).toContain("100%{transform:translateY(-100px)}");
  expect(svg).toContain('style="animation-delay:34s">line 34</text>');
  expect(svg).toContain("a &lt;run&gt;");
  expect(svg).not.toMatch(/<script|href=/);
});

test("the still picture has no motion for anybody", () => {
  const svg = recordingSvg(segmentsOf([{ at: 1, text: "done" }], 80), 80, WORDS, "still");
  expect(svg).toMatch(/^\.s,\.t,\.scroll\{animation:none\}$/m);
});

test("what was erased is hidden, and shown for its time", () => {
  const outputs = [
    { at: 1, text: "looking" },
    { at: 3, text: "\r\u001b[Kdone" },
  ];
  const svg = recordingSvg(segmentsOf(outputs, 80), 80, WORDS, "animated");
  expect(svg).toMatch(/class="t plain" style="animation-delay:1s;animation-duration:2s">looking</);
  expect(svg).toContain(".t{visibility:hidden");
});

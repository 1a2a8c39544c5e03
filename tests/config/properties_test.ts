import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseProperties } from "../../lib/config/mod.ts";

const pairs = (text: string) => parseProperties(text).lines.map(({ name, value }) => [name, value]);

describe("parseProperties()", () => {
  // What java.util.Properties makes of the same texts.
  const table: readonly (readonly [text: string, pairs: readonly (readonly [string, string])[]])[] = [
    ["# no\n! no\n  # neither\na=1", [["a", "1"]]],
    [" a = 1 ", [["a", "1 "]]],
    ["a:1\nb 2\nc\t3\nd", [["a", "1"], ["b", "2"], ["c", "3"], ["d", ""]]],
    ["a : = 1", [["a", "= 1"]]],
    ["a==1", [["a", "=1"]]],
    ["=1", [["", "1"]]],
    ["a\\=b\\:c\\ d=1", [["a=b:c d", "1"]]],
    ["a=\\u0041\\t\\n\\q\\\\", [["a", "A\t\nq\\"]]],
    ["a=1,\\\n   2,\\\r\n\t3\nb=4", [["a", "1,2,3"], ["b", "4"]]],
    ["a=x\\\\\nb=1", [["a", "x\\"], ["b", "1"]]],
    ["a=1\\\n# not a comment", [["a", "1# not a comment"]]],
    ["a=1\\", [["a", "1"]]],
    ["a=1\rb=2\r\nc=3", [["a", "1"], ["b", "2"], ["c", "3"]]],
    ["a=ä€", [["a", "ä€"]]],
    ["\uFEFFa=1", [["a", "1"]]],
    ["a=1\na=2", [["a", "1"], ["a", "2"]]],
  ];
  for (const [text, expected] of table) {
    test(`reads ${JSON.stringify(text)} as Java does`, () => expect(pairs(text)).toEqual(expected as never));
  }

  test("says on which line a setting begins", () => {
    expect(parseProperties("\n# x\na=1\\\n2\nb=3").lines.map(({ name, line }) => [name, line])).toEqual([["a", 3], ["b", 5]]);
  });
  test("tells of a broken escape by its line, where Java gives up", () => {
    const { lines, problems } = parseProperties("a=1\nb=C:\\users\nc=2");
    expect(problems).toEqual([
      'line 2: "\\users" is no letter: write four hexadecimal digits after \\u, or \\\\ for a backslash',
    ]);
    expect(lines.map(({ name }) => name)).toEqual(["a", "c"]);
  });
  test("never fails, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."ab01u=: \t\f\r\n\\#!\u{1F642}é\0"), maxLength: 200 }),
        (text) => Array.isArray(parseProperties(text).lines),
      ),
    );
  });
  test("takes time as the text is long, not as it is squared", () => {
    expect(pairs("a\\\n".repeat(100_000))).toEqual([["a".repeat(100_000), ""]]);
  });
  test("gives back what was escaped", () => {
    const escape = (text: string) => [...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
    const letters = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 });
    fc.assert(fc.property(letters, letters, (name, value) => {
      expect(pairs(`${escape(name)}=${escape(value)}`)).toEqual([[name, value]]);
    }));
  });
});

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type InputOptions, type InputRecord, recordsOf, recordsOfArguments } from "../../lib/cli/records/input.ts";

const PLAIN: InputOptions = { format: "lines", keySeparator: null, nullValue: null };

async function* chunks(parts: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  // The same buffer for every chunk: a source may use it over.
  const buffer = new Uint8Array(64 * 1024);
  for (const part of parts) {
    buffer.set(part);
    yield buffer.subarray(0, part.length);
  }
}

async function all(lots: AsyncIterable<readonly InputRecord[]>): Promise<readonly InputRecord[]> {
  return (await Array.fromAsync(lots)).flat();
}
const read = (input: string, options: Partial<InputOptions> = {}) =>
  all(recordsOf(chunks([new TextEncoder().encode(input)]), '"f"', { ...PLAIN, ...options }));
const text = (bytes: unknown) => bytes === null || bytes === undefined ? bytes : new TextDecoder().decode(bytes as Uint8Array);
const values = (records: readonly InputRecord[]) => records.map(({ record }) => text(record.value));
const pairs = (records: readonly InputRecord[]) => records.map(({ record }) => [text(record.key), text(record.value)]);

describe("recordsOf()", () => {
  test("gives a record for each line, with its number, whatever the chunks", async () => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 30 }).map((line) => line.filter((byte) => byte !== 10))),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      async (lines, cuts) => {
        const whole = Buffer.concat(lines.flatMap((line) => [line, Uint8Array.of(10)]));
        const parts: Uint8Array[] = [];
        for (let at = 0, cut = 0; at < whole.length; at += cuts[cut++ % cuts.length]!) {
          parts.push(whole.subarray(at, at + cuts[cut % cuts.length]!));
        }
        const records = await all(recordsOf(chunks(parts), '"f"', PLAIN));
        expect(records.map(({ record }) => [...record.value as Uint8Array])).toEqual(lines.map((line) => [...line]));
        expect(records.map(({ where }) => where())).toEqual(lines.map((_, at) => `line ${at + 1} of "f"`));
      },
    ));
  });

  test("takes a last line without its end, and an empty line as an empty value", async () => {
    expect(values(await read("a\n\nb"))).toEqual(["a", "", "b"]);
    expect(await read("")).toEqual([]);
    expect(values(await read("a\r\n"))).toEqual(["a\r"]);
  });

  test("parts key and value at the first separator", async () => {
    expect(pairs(await read("k:v:w\n:x\n", { keySeparator: ":" }))).toEqual([["k", "v:w"], ["", "x"]]);
    expect(pairs(await read("k→v\n", { keySeparator: "→" }))).toEqual([["k", "v"]]);
    expect(read("a:b\nno\n", { keySeparator: ":" })).rejects.toThrow('Cannot use line 2 of "f": It has no ":" between key and value');
  });

  test("makes null of the null value", async () => {
    expect(values(await read("a\nNULL\n", { nullValue: "NULL" }))).toEqual(["a", null]);
    expect(pairs(await read("k:\n", { nullValue: "", keySeparator: ":" }))).toEqual([["k", null]]);
  });

  test("reads base64, hex and raw", async () => {
    expect(values(await read("aGk=\n", { format: "base64" }))).toEqual(["hi"]);
    expect(pairs(await read("6b:6869\n", { format: "hex", keySeparator: ":" }))).toEqual([["k", "hi"]]);
    expect(values(await read("a\nb\n", { format: "raw" }))).toEqual(["a\nb\n"]);
    expect(read("aGk=\n!\n", { format: "base64" })).rejects.toThrow('Cannot use line 2 of "f": The text is not base64');
    expect(read("6\n", { format: "hex" })).rejects.toThrow("The text is not hexadecimal");
    expect(read("{}\n[]\n", { format: "json" })).rejects.toThrow('Cannot use line 2 of "f": No JSON object');
  });
});

test("recordsOfArguments() gives each its number", () => {
  const records = [...recordsOfArguments(["a", "k=v"], { ...PLAIN, keySeparator: null })].flat();
  expect(records.map(({ where }) => where())).toEqual(["argument 1", "argument 2"]);
  expect(() => [...recordsOfArguments(["a"], { ...PLAIN, keySeparator: ":" })]).toThrow("Cannot use argument 1: It has no");
});

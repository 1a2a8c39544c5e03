import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { UsageError } from "../../lib/cli/exit.ts";
import { ByteSink } from "../../lib/cli/records/byte_sink.ts";
import { compileFormat, unescaped } from "../../lib/cli/records/format.ts";
import { jsonLine, recordOfJson, recordOfKcat } from "../../lib/cli/records/json_lines.ts";
import type { IncomingRecord } from "../../lib/client/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const record: IncomingRecord = {
  topic: "orders",
  partition: 3,
  offset: 17,
  timestamp: 1_767_225_600_000,
  timestampType: "create",
  key: bytes("k"),
  value: bytes("ärger"),
  headers: [{ key: "a", value: bytes("1") }, { key: "b", value: null }],
  leaderEpoch: 0,
};

function print(format: string, of: Partial<IncomingRecord> = {}, safe = false): Uint8Array {
  const sink = new ByteSink();
  compileFormat(format, { safe })({ ...record, ...of }, sink);
  return sink.take().slice();
}
const text = (...args: Parameters<typeof print>) => new TextDecoder().decode(print(...args));

describe("compileFormat()", () => {
  const formats: readonly (readonly [format: string, printed: string])[] = [
    ["%t-%p@%o", "orders-3@17"],
    ["%T %D", "1767225600000 2026-01-01T00:00:00.000Z"],
    ["%k=%v", "k=ärger"],
    ["%s", "ärger"],
    ["%K/%S", "1/6"],
    ["%h", "a=1,b="],
    ["100%%\\n", "100%\n"],
    ["\\t\\x41\\\\\\0\\r", "\tA\\\0\r"],
    ["", ""],
    ["hex", "c3a472676572\n"],
    ["raw", "ärger"],
  ];
  for (const [format, printed] of formats) test(`prints ${JSON.stringify(format)}`, () => expect(text(format)).toBe(printed));

  test("prints null as nothing, and its length as -1", () => {
    expect(text("[%k|%v|%K|%S|%h]", { key: null, value: null, headers: [] })).toBe("[||-1|-1|]");
    expect(text("hex", { value: null })).toBe("\n");
    expect(text("raw", { value: null })).toBe("");
  });

  test("keeps bytes that are no text, unless it prints for a terminal", () => {
    const value = Uint8Array.of(0xff, 0, 0x1b, 10);
    expect(print("%v", { value })).toEqual(value);
    expect(text("%v", { value }, true)).toBe("\ufffd\\x00\\x1b\n");
    expect(text("%h", { headers: [{ key: "\x1b[2J", value: null }] })).toBe("\\x1b[2J=");
  });

  for (const format of ["%", "%x", "a\\", "\\q", "\\x4"]) {
    test(`refuses ${JSON.stringify(format)}`, () => {
      expect(() => print(format)).toThrow(UsageError);
      expect(() => print(format)).toThrow("means nothing");
    });
  }

  test("unescaped() reads the same escapes", () => expect(unescaped("a\\tb\\x3a")).toBe("a\tb:"));
});

test("ByteSink keeps the order and every byte, whatever the sizes", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 300_000 })), { maxLength: 5 }), (parts) => {
      const sink = new ByteSink();
      for (const part of parts) typeof part === "string" ? sink.text(part) : sink.bytes(part);
      expect(Buffer.compare(sink.take(), Buffer.concat(parts.map((part) => Buffer.from(part as string))))).toBe(0);
      sink.done();
      expect(sink.length).toBe(0);
    }),
    { numRuns: 30 },
  );
});

describe("lines of JSON", () => {
  test("of consume are taken by produce: keys, values, headers, bytes, nulls", () => {
    const some = fc.option(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string({ unit: "grapheme" }).map(bytes)));
    fc.assert(fc.property(some, some, fc.array(fc.record({ key: fc.string(), value: some })), (key, value, headers) => {
      const line = jsonLine({ ...record, key, value, headers });
      expect(line).not.toContain("\n");
      const plain = (from: Uint8Array | null) => from && [...from];
      const read = recordOfJson(line);
      expect([read.key, read.value].map((one) => plain(one as Uint8Array | null))).toEqual([plain(key), plain(value)]);
      expect((read.headers as IncomingRecord["headers"]).map((one) => [one.key, plain(one.value)]))
        .toEqual(headers.map((one) => [one.key, plain(one.value)]));
      expect([read.partition, read.timestamp]).toEqual([3, 1_767_225_600_000]);
    }));
  });

  test("written by hand may have any JSON as a value, and headers as an object", () => {
    const read = recordOfJson('{"key":7,"value":{"a":[1]},"headers":{"h":"x","n":null}}');
    expect(new TextDecoder().decode(read.value as Uint8Array)).toBe('{"a":[1]}');
    expect(new TextDecoder().decode(read.key as Uint8Array)).toBe("7");
    expect(read.headers).toEqual([{ key: "h", value: bytes("x") }, { key: "n", value: null }]);
    expect(recordOfJson("{}")).toEqual({ key: null, value: null, headers: [] });
  });

  test("of kcat are taken too", () => {
    const line = '{"topic":"t","partition":1,"offset":2,"tstype":"create","ts":5,"headers":["a","1","b",null],"key":"k","payload":"v"}';
    expect(recordOfKcat(line)).toEqual({
      key: bytes("k"),
      value: bytes("v"),
      headers: [{ key: "a", value: bytes("1") }, { key: "b", value: null }],
      timestamp: 5,
    });
  });

  const refusals: readonly (readonly [line: string, message: string])[] = [
    ["{", "No JSON"],
    ["[]", "No JSON object: expected an object like"],
    ["null", "No JSON object"],
    ['{"partition":"1"}', '"partition" is "1": expected a whole number'],
    ['{"timestamp":1.5}', '"timestamp" is 1.5: expected a whole number'],
    ['{"valueBase64":"?"}', '"valueBase64" is not base64'],
    ['{"valueBase64":1}', '"valueBase64" is no text'],
    ['{"headers":3}', '"headers" is neither'],
    ['{"headers":["a"]}', '"headers" has "a": expected'],
  ];
  for (const [line, message] of refusals) test(`refuse ${line}`, () => expect(() => recordOfJson(line)).toThrow(message));
});

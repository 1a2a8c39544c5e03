/** What is encoded comes back, for every message in every version; newer peers' tagged fields are skipped. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { APIS, decode, encode, layoutOf, type Message, message, Reader, string, tagged, Writer } from "../../../lib/protocol/mod.ts";
import type { AnyField, AnyType, Fields } from "../../../lib/protocol/schema/types.ts";
import { declared, goldenSamples } from "./golden_bytes.ts";
import { structValue } from "./values.ts";

const RUNS = { numRuns: 12 };
const messages = [...new Set([...APIS.flatMap((api) => [api.request.name, api.response.name]), ...goldenSamples().map((s) => s.message)])];

for (const name of messages) {
  const declaration = declared(name);
  describe(name, () => {
    for (let version = declaration.minVersion; version <= declaration.maxVersion; version++) {
      test(`v${version}: decode() gives back what encode() took`, () => {
        const writer = new Writer(256);
        fc.assert(
          fc.property(structValue(layoutOf(declaration, version)), (value) => {
            encode(declaration, version, value, writer);
            expect(decode(declaration, version, new Reader(writer.finishJoined()))).toEqual(value);
          }),
          RUNS,
        );
      });
    }

    const flexible = declaration.flexibleSince;
    if (flexible === null) return;
    test("decode() skips tagged fields that it does not know, in every struct", () => {
      const newer = message({
        name,
        versions: [declaration.minVersion, declaration.maxVersion],
        flexible,
        fields: withUnknownTags(declaration.fields, flexible),
      }) as Message<unknown>;
      for (let version = flexible; version <= declaration.maxVersion; version++) {
        fc.assert(
          fc.property(structValue(layoutOf(newer, version)), (value) => {
            const writer = new Writer(256);
            encode(newer, version, value, writer);
            const decoded = decode(declaration, version, new Reader(writer.finishJoined()));
            expect(decoded).toEqual(withoutUnknown(value));
          }),
          { numRuns: 5 },
        );
      }
    });
  });
}

/** The same fields with one more tagged field in each struct, as a later version of Kafka might have. */
function withUnknownTags(fields: Fields, flexible: number): Fields {
  const type = (t: AnyType): AnyType => ({
    ...t,
    ...(t.of === undefined ? {} : { of: type(t.of) }),
    ...(t.fields === undefined ? {} : { fields: withUnknownTags(t.fields, flexible) }),
  });
  const grown = Object.entries(fields).map(([name, declared]) => {
    return [name, declared.kind === "field" ? { ...declared, type: type((declared as AnyField).type) } : type(declared as AnyType)];
  });
  return { ...Object.fromEntries(grown), unknownToUs: tagged(9999, flexible, string) };
}

function withoutUnknown(value: unknown): unknown {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(withoutUnknown);
  return Object.fromEntries(
    Object.entries(value).filter(([name]) => name !== "unknownToUs").map(([name, member]) => [name, withoutUnknown(member)]),
  );
}

/** Every served (key, version), request and response, against the bytes of Apache Kafka's own Java classes. */
import { describe, expect, test } from "bun:test";
import {
  advertisedVersions,
  type AnyApi,
  APIS,
  decode,
  encode,
  isFlexible,
  type Layout,
  layoutOf,
  type Message,
  Reader,
  responseHeaderVersion,
  type Shape,
  Writer,
} from "../../../lib/protocol/mod.ts";
import { declared, goldenBytes, goldenRanges, goldenSamples } from "./golden_bytes.ts";

const samples = goldenSamples();

for (const name of new Set(samples.map((sample) => sample.message))) {
  describe(name, () => {
    for (const golden of samples.filter((sample) => sample.message === name)) {
      const message = declared(name);
      for (const version of golden.versions) {
        test(`v${version} ${golden.sample}: decodes to Kafka's values and encodes to Kafka's bytes`, () => {
          const bytes = goldenBytes(golden);
          const decoded = decode(message, version, new Reader(bytes));
          const layout = layoutOf(message, version);
          expect(withSizes(layout, decoded as Record<string, unknown>)).toEqual(expected(layout, golden.value));
          const writer = new Writer();
          encode(message, version, decoded, writer);
          expect(Buffer.from(writer.finishJoined()).toString("hex")).toBe(golden.hex);
        });
      }
    }
  });
}

describe("stated fallbacks", () => {
  for (const golden of samples.filter((sample) => sample.sample === "default")) {
    for (const version of golden.versions) {
      test(`${golden.message} v${version} made of fallbacks alone encodes as Kafka's new object does`, () => {
        const message = declared(golden.message);
        const writer = new Writer();
        encode(message, version, fallbacks(layoutOf(message, version)), writer);
        expect(Buffer.from(writer.finishJoined()).toString("hex")).toBe(golden.hex);
      });
    }
  }
});

describe("ranges", () => {
  const ranges = goldenRanges();

  test("the declared APIs are those of the golden files", () => {
    expect(APIS.map((api) => api.name)).toEqual(ranges.map((range) => range.name));
  });

  for (const range of ranges) {
    test(`${range.name} has Kafka's key, versions and header versions`, () => {
      const api = APIS.find((candidate) => candidate.key === range.key) as AnyApi;
      const versions = range.requestHeaderVersions.map((_, i) => range.minVersion + i);
      expect(api.name).toBe(range.name);
      expect([api.minVersion, api.maxVersion]).toEqual([range.minVersion, range.maxVersion]);
      expect(advertisedVersions(api)).toEqual({ minVersion: range.advertisedMinVersion, maxVersion: range.maxVersion });
      expect(versions.map((version) => isFlexible(api, version) ? 2 : 1)).toEqual([...range.requestHeaderVersions] as (1 | 2)[]);
      expect(versions.map((version) => responseHeaderVersion(api, version))).toEqual([...range.responseHeaderVersions] as (0 | 1)[]);
    });

    test(`${range.name} has golden bytes for every version of request and response`, () => {
      const api = APIS.find((candidate) => candidate.key === range.key) as AnyApi;
      for (const message of [api.request, api.response] as Message<unknown>[]) {
        const covered = new Set(samples.filter((s) => s.message === message.name && s.sample === "full").flatMap((s) => s.versions));
        for (let version = api.minVersion; version <= api.maxVersion; version++) expect(covered.has(version)).toBe(true);
      }
    });
  }
});

/** What our decoder should give for the values in Kafka's JSON: all fields, absent ones with the fallback that the declaration states. */
function expected(layout: Layout, json: Record<string, unknown>): Record<string, unknown> {
  const names = new Set(layout.slots.map((slot) => slot.name));
  for (const name of Object.keys(json)) {
    if (name !== "recordsSizeInBytes") expect(names.has(name)).toBe(true);
  }
  return Object.fromEntries(layout.slots.map((slot) => {
    const key = slot.shape.kind === "records" ? "recordsSizeInBytes" : slot.name;
    if (!slot.present) expect(key in json).toBe(false);
    if (slot.tag === null && slot.present && slot.shape.kind !== "records") expect(key in json).toBe(true);
    return [slot.name, key in json ? expectedValue(slot.shape, json[key]) : slot.fallback];
  }));
}

/** A value that leaves out all that may be left out, and has the fallback elsewhere; one such element in each array of structs. */
function fallbacks(layout: Layout): Record<string, unknown> {
  const members = layout.slots.map((slot): [string, unknown] => {
    const of = slot.present && slot.fallback !== null && slot.shape.kind === "array" ? slot.shape.of : null;
    if (of?.kind === "struct") return [slot.name, [fallbacks(of.layout)]];
    return [slot.name, slot.optional ? undefined : slot.fallback];
  });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** `records` replaced by their size, which is all that Kafka's JSON tells of them. */
function withSizes(layout: Layout, value: Record<string, unknown>): Record<string, unknown> {
  const sized = (shape: Shape, member: unknown): unknown => {
    if (member === null) return null;
    if (shape.kind === "records") return (member as Uint8Array).length;
    if (shape.kind === "array") return (member as unknown[]).map((item) => sized(shape.of, item));
    return shape.kind === "struct" ? withSizes(shape.layout, member as Record<string, unknown>) : member;
  };
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, sized(layout.slots.find((slot) => slot.name === name)!.shape, member)]),
  );
}

function expectedValue(shape: Shape, json: unknown): unknown {
  if (json === null) return null;
  switch (shape.kind) {
    case "struct":
      return expected(shape.layout, json as Record<string, unknown>);
    case "array":
      return (json as unknown[]).map((item) => expectedValue(shape.of, item));
    case "bytes":
      return Uint8Array.from(Buffer.from(json as string, "base64"));
    case "records":
      return json;
    default:
      return json;
  }
}

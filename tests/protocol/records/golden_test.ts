import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasValidCrc, patchBaseOffset, patchLeaderEpoch, validateProduceBatch } from "../../../lib/protocol/records/mod.ts";
import { described, samples } from "./samples.ts";

interface Golden {
  readonly name: string;
  readonly hex: string;
  /** What Java's MemoryRecords reads in these bytes. */
  readonly batches: readonly object[];
}

const golden = (file: string): Golden[] => JSON.parse(readFileSync(join(import.meta.dir, "../../golden/records", `${file}.json`), "utf8"));
const bytesOf = ({ hex }: Golden): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const ours = new Map(samples().map(({ name, bytes }) => [name, bytes]));
const java = golden("java");

for (const [file, maker] of [["java", "kafka-clients"], ["librdkafka", "librdkafka"], ["franz_go", "franz-go"]] as const) {
  describe(`decodeBatch() of what ${maker} made`, () => {
    for (const batch of golden(file)) {
      test(`finds what Kafka's classes find: ${batch.name}`, () => {
        expect(hasValidCrc(bytesOf(batch))).toBe(true);
        expect(described(bytesOf(batch))).toEqual(batch.batches as object[]);
      });
    }
  });
}

describe("encodeBatch()", () => {
  // Markers get their place in the log later and have their own test below.
  for (const batch of golden("ours_read_by_java").filter(({ name }) => !name.startsWith("end of transaction"))) {
    test(`makes what Kafka's classes read as their own: ${batch.name}`, () => {
      expect(batch.batches).toEqual(java.find(({ name }) => name === batch.name)!.batches as object[]);
    });
    // zlib and zstd may pack differently in another version; their bytes are Java's to read, not ours to fix.
    if (/gzip|zstd/.test(batch.name)) continue;
    test(`still makes the bytes that were read: ${batch.name}`, () => {
      expect(Buffer.from(ours.get(batch.name)!).toString("hex")).toBe(batch.hex);
    });
  }
  test("writes uncompressed records byte for byte as Java does", () => {
    expect(Buffer.from(ours.get("small none")!).toString("hex")).toBe(java.find(({ name }) => name === "small none")!.hex);
  });
});

test("encodeEndTransactionMarker() writes the bytes of Java once it has its place in the log", () => {
  for (const type of ["commit", "abort"]) {
    const marker = ours.get(`end of transaction ${type}`)!.slice();
    patchBaseOffset(marker, 0, 77);
    patchLeaderEpoch(marker, 0, 5);
    expect(Buffer.from(marker).toString("hex")).toBe(java.find(({ name }) => name === `end of transaction ${type}`)!.hex);
  }
});

test("validateProduceBatch() takes what every client made, compacted topic or not, and rewrites it under any codec", () => {
  const rules = {
    maxMessageBytes: 1 << 20,
    timestampType: "CreateTime",
    timestampBeforeMaxMs: Infinity,
    timestampAfterMaxMs: Infinity,
  } as const;
  const context = { nowMs: 0, internal: false, produceVersion: 13 };
  for (const file of ["librdkafka", "franz_go"]) {
    for (const batch of golden(file)) {
      const compacted = batch.name.startsWith("large");
      const bytes = bytesOf(batch);
      expect(validateProduceBatch(bytes, { ...rules, compacted, compression: "producer" }, context)).toMatchObject({
        ok: true,
        records: bytes,
      });
      expect(Buffer.from(bytes).toString("hex")).toBe(batch.hex);
      for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
        const checked = validateProduceBatch(bytes, { ...rules, compacted, compression }, context);
        if (!checked.ok) throw new Error(checked.message);
        expect(described(checked.records)).toEqual(batch.batches.map((of) => ({ ...of, codec: compression })));
      }
    }
  }
});

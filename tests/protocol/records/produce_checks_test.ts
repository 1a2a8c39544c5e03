import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NodeSettings, resolveTopicConfig } from "../../../lib/config/mod.ts";
import { hasValidCrc, readBatchHeader, validateProduceBatch } from "../../../lib/protocol/records/mod.ts";
import { PRODUCE_CASES, TOPICS } from "./produce_cases.ts";

const NOW = 1_800_000_000_000;
const kafka = new Map(
  readFileSync(join(import.meta.dir, "../../golden/records/produce_checks.tsv"), "utf8").trimEnd().split("\n").slice(1).map((line) => {
    const [topic, name, ...answer] = line.split("\t");
    return [`${topic}: ${name}`, answer.join(" ").trim()];
  }),
);

/** What we say otherwise, and why. */
const DEPARTURES: Readonly<Record<string, readonly [ours: string, why: string]>> = {
  "plain: codec 5": ["INVALID_RECORD", "Kafka fails inside; a client must not retry it"],
  "plain: garbage for records": ["INVALID_RECORD", "as above"],
  "compacted: garbage for records": ["INVALID_RECORD", "as above"],
  "compacted: garbage for zstd": ["INVALID_RECORD", "as above"],
  "zstd: garbage for gzip": ["INVALID_RECORD", "as above"],
  "plain: garbage for gzip": ["NONE  1 as sent 2", "compressed records are not looked into"],
  "plain: codec gzip on plain bytes": ["NONE  1 as sent 2", "compressed records are not looked into"],
  "plain: bytes after the batch, too few for one": ["INVALID_RECORD", "Kafka drops them; no client sends them"],
  "stamped: log append time by the client": ["INVALID_TIMESTAMP", "the batch is to blame, Kafka names each record"],
  "plain: delete horizon": ["INVALID_RECORD", "its base timestamp would be read as the time at which tombstones may go"],
  "plain: producer without epoch": ["INVALID_RECORD", "a sequence without epoch cannot be fenced"],
};

describe("validateProduceBatch()", () => {
  for (const { name, topic, bytes, produceVersion } of PRODUCE_CASES) {
    const key = `${topic}: ${name}`;
    const departure = DEPARTURES[key];
    test(`says what Kafka 4.3.1 says to ${key}${departure ? `, but: ${departure[1]}` : ""}`, () => {
      const rules = resolveTopicConfig(new Map(Object.entries(TOPICS[topic]!)), new NodeSettings().values).batch;
      const given = bytes(NOW);
      const sentMax = given.length >= 61 ? readBatchHeader(given).maxTimestamp : -1;
      const checked = validateProduceBatch(given, rules, { nowMs: NOW, internal: false, produceVersion: produceVersion ?? 11 });
      let said: string;
      if (checked.ok) {
        const { attributes, maxTimestamp, lastOffsetDelta } = readBatchHeader(checked.records);
        expect(hasValidCrc(checked.records)).toBe(true);
        const max = maxTimestamp === checked.logAppendTimeMs ? "stamped" : maxTimestamp === sentMax ? "as sent" : "changed";
        said = `NONE  ${attributes} ${max} ${lastOffsetDelta}`;
      } else said = `${checked.error} ${checked.recordErrors.map((row) => row.batchIndex).join(",")}`.trim();
      expect(kafka.get(key)).toBeDefined();
      if (departure) expect(said).not.toBe(kafka.get(key)!);
      expect(said).toBe(departure?.[0] ?? kafka.get(key)!);
    });
  }
});

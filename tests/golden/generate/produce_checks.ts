/**
 * Puts the batches of `tests/protocol/records/produce_cases.ts` to a Kafka broker and writes what it said and what it stored:
 *
 *     bun produce_checks.ts 127.0.0.1:9092 ../records/produce_checks.tsv
 */
import { writeFileSync } from "node:fs";
import {
  CreateTopics,
  errorName,
  Fetch,
  Produce,
  readBatchHeader,
  ZERO_UUID,
} from "../../../lib/protocol/mod.ts";
import { broker } from "./ask.ts";
import { PRODUCE_CASES, TOPICS } from "../../protocol/records/produce_cases.ts";

const [address, out] = process.argv.slice(2) as [string, string];
const { ask, close } = broker(address);

const prefix = `checks-${process.pid}-`;
const topics = Object.entries(TOPICS).map(([name, configs]) => ({
  name: prefix + name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
}));
const created = await ask(CreateTopics, 7, { topics, timeoutMs: 10_000, validateOnly: false });
for (const { name, errorCode, errorMessage } of created.topics) if (errorCode !== 0) throw new Error(`${name}: ${errorMessage}`);

const lines = ["# topic\tcase\terror\trecord errors\tstored attributes\tstored max timestamp: as sent, stamped or changed\tstored last offset delta"];
for (const { name, topic, bytes, produceVersion = 11 } of PRODUCE_CASES) {
  const nowMs = Date.now();
  const records = bytes(nowMs);
  const sentMax = records.length >= 61 ? readBatchHeader(records).maxTimestamp : -1;
  const request = {
    transactionalId: null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: prefix + topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
  };
  let row;
  // Right after their creation, Kafka's topics have no leader for a moment.
  do row = (await ask(Produce, produceVersion, request)).responses[0].partitionResponses[0];
  while (errorName(row.errorCode) === "NOT_LEADER_OR_FOLLOWER");
  let stored = ["", "", ""];
  if (row.errorCode === 0) {
    const fetched = await ask(Fetch, 11, {
      maxWaitMs: 1000,
      minBytes: 1,
      maxBytes: 1 << 20,
      topics: [{ topic: prefix + topic, partitions: [{ partition: 0, fetchOffset: row.baseOffset, partitionMaxBytes: 1 << 20 }] }],
    });
    const header = readBatchHeader(fetched.responses[0].partitions[0].records);
    const max = header.maxTimestamp === row.logAppendTimeMs ? "stamped" : header.maxTimestamp === sentMax ? "as sent" : "changed";
    stored = [String(header.attributes), max, String(header.lastOffsetDelta)];
  }
  // deno-lint-ignore no-explicit-any
  const rejected = row.recordErrors.map((error: any) => error.batchIndex).join(",");
  lines.push([topic, name, errorName(row.errorCode), rejected, ...stored].join("\t"));
  console.log(lines.at(-1), "|", row.errorMessage ?? "");
}
writeFileSync(out, lines.join("\n") + "\n");
close();

/** `barnabas bench consume`: how fast the records of a topic come, from its beginning, without printing them. */
import { command } from "../declare.ts";
import { CommandFailed } from "../exit.ts";
import { chosenPartitions, endsOf } from "../partitions.ts";
import { number, Progress } from "../progress.ts";
import { durationText, sizeText } from "../values.ts";

/** How long one read waits: also how long Ctrl-C waits at most. */
const WAIT_MS = 250;

export const benchConsume = command({
  name: "consume",
  summary: "read records and tell throughput",
  connects: true,
  endsWhenInterrupted: true,
  json: "topic, records, bytes, ms, firstRecordMs, recordsPerSecond, bytesPerSecond",
  flags: {
    "records": { type: "integer", short: "n", value: "N", min: 1, help: "end after so many; without it all that are there" },
    "partition-bytes": { type: "size", default: "1MiB", help: "of one partition in one reply" },
  },
  arguments: { topic: { label: "TOPIC[:PARTITIONS]", help: "orders, or orders:0,3-5", completes: "topic" } },
  examples: [{ command: "barnabas bench consume bench", does: "everything in it" }],
  async run(context, { flags, args }) {
    const { io, out, host } = context;
    const admin = await context.clients.admin();
    const partitions = await chosenPartitions(admin, "TOPIC", [args.topic]);
    const ends = await endsOf(admin, partitions);
    const open = partitions.flatMap((partition, row) => {
      const { start, end } = ends[row]!;
      return start === null || end === null || start === end ? [] : [{ partition, start, end }];
    });
    const available = open.reduce((sum, { start, end }) => sum + end - start, 0);
    if (available === 0) throw new CommandFailed(`There are no records in "${args.topic}": write some with "barnabas bench produce"`);
    const wanted = Math.min(flags.records ?? available, available);
    const consumer = await context.clients.consumer({ autoCommitIntervalMs: null, partitionBytes: flags["partition-bytes"] });
    consumer.assign(open.map(({ partition }) => partition));
    await Promise.all(open.map(({ partition, start }) => consumer.seek(partition, start)));

    const progress = new Progress(host, io.clock, { what: "Reading", isQuiet: out.isQuiet, total: wanted });
    let firstRecordMs: number | null = null;
    let movedAt = io.clock.mono();
    const isAtEnd = () => open.every(({ partition, end }) => (consumer.position(partition) ?? 0) >= end);
    while (progress.records < wanted && !context.interrupted.aborted && !isAtEnd()) {
      const records = await consumer.poll(WAIT_MS);
      if (records.length > 0) {
        movedAt = io.clock.mono();
        firstRecordMs ??= progress.elapsedMs;
      } else if (io.clock.mono() - movedAt > context.clients.timeoutMs) {
        throw new CommandFailed(`Cannot read to the end: nothing came for ${durationText(context.clients.timeoutMs)}`);
      }
      const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
      progress.step(records.length, bytes, records.length);
    }
    progress.end();
    const ms = Math.max(1, progress.elapsedMs);
    const result = {
      topic: args.topic,
      records: progress.records,
      bytes: progress.bytes,
      ms: Math.round(ms),
      firstRecordMs: firstRecordMs === null ? null : Math.round(firstRecordMs * 1000) / 1000,
      recordsPerSecond: Math.round(progress.records * 1000 / ms),
      bytesPerSecond: Math.round(progress.bytes * 1000 / ms),
    };
    await out.result(result, () =>
      out.fields([
        ["Records", `${number(result.records)}, ${sizeText(result.bytes)}`],
        ["Throughput", `${number(result.recordsPerSecond)} records/s, ${sizeText(result.bytesPerSecond)}/s`],
        ["First record", firstRecordMs === null ? null : `after ${firstRecordMs.toFixed(1)} ms`],
      ]));
  },
});

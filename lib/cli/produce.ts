/** `barnabas produce`: records from arguments, files or a pipe. Reads only as fast as the cluster takes them. */
import type { OutgoingRecord, RecordMetadata } from "../client/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import { counted } from "./confirm.ts";
import type { Context } from "./context.ts";
import { command } from "./declare.ts";
import { explained, isKafkaError } from "./errors.ts";
import { CommandFailed, UsageError } from "./exit.ts";
import { untilInterrupted } from "./interrupted.ts";
import { Progress } from "./progress.ts";
import { unescaped } from "./records/format.ts";
import { fileBytes, INPUT_FORMATS, type InputOptions, type InputRecord, recordsOf, recordsOfArguments } from "./records/input.ts";
import { SendWindow } from "./records/window.ts";
import { parsePairs, parseTime, TIME_FORM } from "./values.ts";

export const produceCommand = command({
  name: "produce",
  summary: "send records to a topic",
  details: `Values are the arguments, or the lines of --file, or of standard input.

Formats:
  lines    each line is a value, or key and value with --key-separator
  json     each line is an object: key, value, headers, partition, timestamp; as "consume --json" prints them
  kcat     each line is an object as "kcat -J" prints them
  base64   as lines, each value (and key) in base64; hex likewise
  raw      the whole input is one value`,
  connects: true,
  endsWhenInterrupted: true,
  json: "topic, records, bytes, failed, ms, and by partition the first and last offset",
  flags: {
    "file": { type: "list", short: "f", value: "FILE", help: "read this file; - is standard input", completes: "file" },
    "format": { type: "choice", short: "F", choices: INPUT_FORMATS, default: "lines", help: "how the input is written" },
    "key": { type: "string", short: "k", value: "KEY", help: "key of every record that brings none", mayBeEmpty: true },
    "key-separator": { type: "string", short: "K", value: "TEXT", help: "what stands between key and value of a line; \\t is a tab" },
    "header": { type: "list", short: "H", value: "NAME=VALUE", help: "a header of every record" },
    "null-value": {
      type: "string",
      short: "Z",
      value: "TEXT",
      help: "a value that is this text is null, a tombstone; empty: every empty value",
      mayBeEmpty: true,
    },
    "partition": { type: "integer", short: "p", value: "N", min: 0, help: "send every record there; without it by key" },
    "timestamp": { type: "string", value: "TIME", help: `of every record that brings none: ${TIME_FORM}; without it now` },
    "compression": {
      type: "choice",
      short: "z",
      choices: ["none", "gzip", "snappy", "lz4", "zstd"],
      default: "none",
      help: "how batches are compressed",
    },
    "acks": {
      type: "choice",
      choices: ["all", "1", "0"],
      default: "all",
      help: "whose disk must have a record before it counts as written",
    },
    "idempotent": { type: "boolean", help: "write nothing twice, whatever is tried again; this is so unless --acks is 1 or 0" },
    "linger": { type: "duration", default: "5ms", help: "how long a batch that is not full waits for company" },
  },
  arguments: {
    topic: { label: "TOPIC", help: "where they go", completes: "topic" },
    values: {
      label: "VALUE",
      help: "a value; without any, --file or standard input is read",
      optional: true,
      many: true,
      mayBeEmpty: true,
    },
  },
  examples: [
    { command: "barnabas produce orders hello world", does: "two records" },
    { command: "barnabas produce orders --file orders.txt --key-separator : --compression zstd", does: "a line each, like 17:{...}" },
    {
      command: "barnabas consume orders --json | barnabas produce copy --format json",
      does: "a topic into another, with keys and headers",
    },
    { command: "barnabas produce users --key 17 --null-value '' ''", does: "a tombstone" },
  ],
  async run(context, { flags, args }) {
    if (flags.idempotent && flags.acks !== "all") throw new UsageError("--idempotent needs --acks all");
    if (args.values.length > 0 && flags.file.length > 0) throw new UsageError("Choose one of values and --file");
    const timestamp = flags.timestamp === null ? null : parseTime(flags.timestamp, context.io.clock.wall());
    if (flags.timestamp !== null && timestamp === null) {
      throw new UsageError(`Invalid "--timestamp ${flags.timestamp}": accepted are ${TIME_FORM}`);
    }
    const options: InputOptions = {
      format: flags.format,
      keySeparator: flags["key-separator"] === null ? null : unescaped(flags["key-separator"]),
      nullValue: flags["null-value"],
    };
    const common: Common = {
      topic: args.topic,
      key: flags.key,
      partition: flags.partition,
      timestamp,
      headers: parsePairs("--header", flags.header).map(([key, value]) => ({ key, value: new TextEncoder().encode(value) })),
    };
    const producer = await context.clients.producer({
      compression: flags.compression,
      acks: flags.acks === "all" ? "all" : flags.acks === "1" ? 1 : 0,
      idempotent: flags.acks === "all",
      lingerMs: flags.linger,
      batchBytes: BATCH_BYTES,
      deliveryTimeoutMs: context.clients.timeoutMs,
    });
    const input = await inputOf(context, flags.file, args.values, options);
    const isQuiet = context.out.isQuiet || input.isTyped;
    const sent = new Sent(new Progress(context.host, context.io.clock, { what: "Producing", isQuiet, total: input.bytes }));
    const window = new SendWindow<InputRecord>(producer, (metadata, bytes) => sent.add(metadata, bytes));
    try {
      await sendAll(context, input.records((bytes) => sent.progress.step(0, 0, bytes)), common, window);
      await window.drained();
    } catch (error) {
      // Input that cannot be used, or read: what came before it is written all the same.
      await window.drained();
      noteWritten(context, sent);
      throw error;
    } finally {
      sent.progress.end();
    }
    await report(context, args.topic, sent, window);
  },
});

/** Larger than a producer's default: whole files go through here. */
const BATCH_BYTES = 128 * 1024;

interface Common extends Pick<OutgoingRecord, "topic"> {
  readonly key: string | null;
  readonly partition: number | null;
  readonly timestamp: number | null;
  readonly headers: Extract<NonNullable<OutgoingRecord["headers"]>, readonly unknown[]>;
}

/** Until the input ends, a record fails, or Ctrl-C. */
async function sendAll(
  context: Context,
  lots: AsyncIterable<readonly InputRecord[]>,
  common: Common,
  window: SendWindow<InputRecord>,
): Promise<void> {
  for await (const lot of untilInterrupted(lots, context.interrupted)) {
    for (const input of lot) {
      if (window.isFull) await window.room();
      if (window.failure !== null) return;
      window.send(completed(input.record, common), input);
    }
  }
}

function completed(record: InputRecord["record"], common: Common): OutgoingRecord {
  const partition = common.partition ?? record.partition;
  const timestamp = record.timestamp ?? common.timestamp;
  const own = (record.headers ?? []) as Common["headers"];
  return {
    topic: common.topic,
    key: record.key ?? common.key,
    value: record.value,
    headers: common.headers.length === 0 ? own : [...own, ...common.headers],
    ...(partition === undefined ? {} : { partition }),
    ...(timestamp === null ? {} : { timestamp }),
  };
}

interface Input {
  /** A person writes it on the same terminal: nothing may be drawn there. */
  readonly isTyped: boolean;
  /** Null: not known before it is read. */
  readonly bytes: number | null;
  readonly records: (onBytes: (bytes: number) => void) => AsyncIterable<readonly InputRecord[]>;
}

async function inputOf({ host, out }: Context, files: readonly string[], values: readonly string[], options: InputOptions): Promise<Input> {
  if (values.length > 0) {
    return {
      isTyped: false,
      bytes: null,
      records: async function* () {
        yield* recordsOfArguments(values, options);
      },
    };
  }
  const paths = files.length === 0 ? ["-"] : files;
  const isTyped = paths.includes("-") && host.isInTerminal;
  if (isTyped) out.note("Type a record a line; Ctrl-D ends");
  const sizes = await Promise.all(paths.map((path) => sizeOf(host, path)));
  return {
    isTyped,
    bytes: sizes.includes(null) ? null : sizes.reduce((sum, size) => sum! + size!, 0),
    records: async function* (onBytes) {
      for (const path of paths) yield* recordsOf(fileBytes(host, path, onBytes), path === "-" ? "standard input" : `"${path}"`, options);
    },
  };
}

async function sizeOf(host: HostProcess, path: string): Promise<number | null> {
  if (path === "-") return null;
  try {
    return await host.fileBytes(path);
  } catch (error) {
    throw new CommandFailed(`Cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What was acknowledged. */
class Sent {
  readonly progress: Progress;
  readonly partitions = new Map<number, { first: number; last: number; records: number }>();

  constructor(progress: Progress) {
    this.progress = progress;
  }

  add({ partition, offset }: RecordMetadata, bytes: number): void {
    this.progress.step(1, bytes, 0);
    const known = this.partitions.get(partition);
    if (known === undefined) this.partitions.set(partition, { first: offset, last: offset, records: 1 });
    else {
      known.first = Math.min(known.first, offset);
      known.last = Math.max(known.last, offset);
      known.records++;
    }
  }
}

async function report(
  { out }: Context,
  topic: string,
  sent: Sent,
  { failure, failed }: SendWindow<InputRecord>,
): Promise<void> {
  const { progress, partitions } = sent;
  const rows = [...partitions].sort(([a], [b]) => a - b).map(([partition, range]) => ({ partition, ...range }));
  const value = { topic, records: progress.records, bytes: progress.bytes, failed, ms: Math.round(progress.elapsedMs), partitions: rows };
  if (out.isJson) await out.result(value, () => "");
  if (failure !== null) {
    const { error } = failure;
    const where = failure.mark.where();
    const message = isKafkaError(error) ? explained(error) : error instanceof Error ? error.message : String(error);
    const others = failed > 1 ? ` (and ${failed - 1} more that were on their way)` : "";
    out.error(`Cannot write ${where}${others}: ${message}`);
    noteWritten({ out }, sent);
    throw new CommandFailed("");
  }
  const [only] = rows;
  const place = rows.length === 1 && only!.first >= 0 ? ` at ${topic}-${only!.partition} offset ${only!.first}` : "";
  out.note(progress.records === 1 ? `Wrote 1 record${place}` : `Wrote ${progress.summary()}`);
}

function noteWritten({ out }: Pick<Context, "out">, { progress: { records } }: Sent): void {
  if (records > 0) out.note(`${counted(records, "record")} before it ${records === 1 ? "was" : "were"} written`);
}

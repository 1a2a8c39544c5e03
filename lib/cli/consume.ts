/** `barnabas consume`: reads what there is, or follows. With a group, commits what was printed. */
import { type AdminApi, type ConsumerApi, CorruptBatch, type IncomingRecord, type TopicPartition } from "../client/mod.ts";
import type { Context } from "./context.ts";
import { command } from "./declare.ts";
import { CommandFailed, UsageError } from "./exit.ts";
import { chosenPartitions, offsetsAt } from "./partitions.ts";
import { Progress } from "./progress.ts";
import { compileFormat, FORMAT_HELP } from "./records/format.ts";
import { Printer } from "./records/printer.ts";
import { durationText, parsePlace, type Place, PLACE_FORM } from "./values.ts";

export const consumeCommand = command({
  name: "consume",
  summary: "print records of topics",
  details: `Without --follow it ends where the partitions ended when it began. With a group it starts at what the group has committed,
and commits what it has printed.

${FORMAT_HELP}`,
  connects: true,
  endsWhenInterrupted: true,
  json: "one object a line: topic, partition, offset, timestamp, key, value, headers; keyBase64, valueBase64 for what is no text",
  flags: {
    "partition": { type: "string", short: "p", value: "PARTITIONS", help: "only these, like 0,3-5" },
    "from": { type: "string", short: "o", value: "PLACE", help: `where to begin: ${PLACE_FORM}; without it earliest` },
    "until": { type: "string", value: "PLACE", help: "where to end: end, an offset, or a time; without it end" },
    "follow": { type: "boolean", short: "f", help: "go on with what comes" },
    "count": { type: "integer", short: "n", value: "N", min: 1, help: "end after so many records" },
    "group": { type: "string", short: "g", value: "GROUP", help: "read as a member of this group", completes: "group" },
    "format": { type: "string", short: "F", value: "FORMAT", help: 'how to print: see above; without it "%v\\n"', mayBeEmpty: true },
    "isolation": {
      type: "choice",
      choices: ["read_uncommitted", "read_committed"],
      default: "read_uncommitted",
      help: "with read_committed, nothing of transactions that are open or were aborted",
    },
    "skip-errors": { type: "boolean", help: "go on behind a batch that cannot be read, and say so" },
  },
  arguments: { topics: { label: "TOPIC[:PARTITIONS]", help: "orders, or orders:0,3-5", many: true, completes: "topic" } },
  examples: [
    { command: "barnabas consume orders", does: "everything that is there" },
    { command: "barnabas consume orders --from -10 --follow", does: "the last ten of each partition, and what comes" },
    { command: "barnabas consume orders --from 1h --format '%D %p:%o %k = %v\\n'", does: "the last hour, with times and keys" },
    { command: "barnabas consume orders --group billing --json | jq .value", does: "as a group, for a program" },
  ],
  async run(context, { flags, args }) {
    if (flags.follow && flags.until !== null) throw new UsageError("Choose one of --follow and --until");
    if (context.out.isJson && flags.format !== null) throw new UsageError("Choose one of --json and --format");
    if (flags.group !== null && flags.partition !== null) throw new UsageError("Choose one of --group and --partition");
    const nowMs = context.io.clock.wall();
    const from = flags.from === null ? null : parsePlace("--from", flags.from, nowMs);
    if (flags.group !== null && typeof from === "number" || typeof from === "object" && from !== null && flags.group !== null) {
      throw new UsageError('With --group, --from is "earliest" or "latest": where a partition begins in which nothing is committed');
    }
    const until = flags.follow ? null : parsePlace("--until", flags.until ?? "end", nowMs);
    const format = context.out.isJson ? "json" : flags.format ?? "%v\\n";
    const write = compileFormat(format, { safe: context.host.isOutTerminal });
    const names = flags.partition === null ? args.topics : args.topics.map((topic) => `${topic}:${flags.partition}`);
    const admin = await context.clients.admin();
    const partitions = await chosenPartitions(admin, "TOPIC", names);
    const stops = until === null ? null : await stopsOf(admin, partitions, until);
    const printer = new Printer(context.out, write);
    const reading = { partitions, stops, count: flags.count, skipErrors: flags["skip-errors"], isolation: flags.isolation, printer };
    if (flags.group === null) await alone(context, admin, { ...reading, from: from ?? "earliest" });
    else await asMember(context, { ...reading, group: flags.group, reset: from === "latest" ? "latest" : "earliest" });
  },
});

interface Reading {
  readonly partitions: readonly TopicPartition[];
  /** By partition, the offset that is not read any more; null: none, go on. */
  readonly stops: ReadonlyMap<string, number> | null;
  readonly count: number | null;
  readonly skipErrors: boolean;
  readonly isolation: "read_uncommitted" | "read_committed";
  readonly printer: Printer;
  /** Filled with the partitions of which records came. */
  readonly handedOut?: Set<string>;
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

async function stopsOf(admin: AdminApi, partitions: readonly TopicPartition[], until: Place): Promise<ReadonlyMap<string, number>> {
  const offsets = await offsetsAt(admin, partitions, until);
  return new Map(partitions.map((partition, row) => [keyOf(partition), offsets[row]!]));
}

async function alone(context: Context, admin: AdminApi, reading: Reading & { readonly from: Place }): Promise<void> {
  const { partitions, stops, from, isolation } = reading;
  const starts = await offsetsAt(admin, partitions, from);
  const open = partitions.map((partition, row) => ({ partition, start: starts[row]! }))
    .filter(({ partition, start }) => stops === null || start < stops.get(keyOf(partition))!);
  if (open.length === 0) return;
  const consumer = await context.clients.consumer({ autoCommitIntervalMs: null, isolation });
  consumer.assign(open.map(({ partition }) => partition));
  await Promise.all(open.map(({ partition, start }) => consumer.seek(partition, start)));
  await read(context, consumer, reading, () => true, () => Promise.resolve());
}

const COMMIT_EVERY_MS = 5000;

async function asMember(
  context: Context,
  reading: Reading & { readonly group: string; readonly reset: "earliest" | "latest" },
): Promise<void> {
  const { partitions, printer, group, reset, isolation } = reading;
  let hasJoined = false;
  const printed = () => printer.takeFlushed();
  const handedOut = new Set<string>();
  const commit = async (consumer: ConsumerApi) => {
    // Where nothing came the position is committed too: what comes while nobody reads would otherwise be skipped by a reader from "latest".
    const idle = consumer.assignment.flatMap((partition) => {
      const offset = handedOut.has(keyOf(partition)) ? null : consumer.position(partition);
      return offset === null ? [] : [{ ...partition, offset }];
    });
    const offsets = [...printed(), ...idle];
    if (offsets.length > 0) await consumer.commit(offsets);
  };
  const consumer: ConsumerApi = await context.clients.consumer({
    groupId: group,
    autoOffsetReset: reset,
    autoCommitIntervalMs: null,
    isolation,
    onAssigned: () => void (hasJoined = true),
    // What is printed and not yet committed would be read again by the next owner.
    onRevoked: async () => {
      hasJoined = false;
      await commit(consumer);
    },
    onLost: () => void printed(),
  });
  consumer.subscribe([...new Set(partitions.map(({ topic }) => topic))]);
  let committedAt = context.io.clock.mono();
  const commitNowAndThen = async () => {
    if (context.io.clock.mono() - committedAt < COMMIT_EVERY_MS) return;
    await commit(consumer);
    committedAt = context.io.clock.mono();
  };
  try {
    await read(context, consumer, { ...reading, handedOut }, () => hasJoined, commitNowAndThen);
  } finally {
    await commit(consumer);
  }
}

/** How long one read waits: also how long Ctrl-C waits at most. */
const WAIT_MS = 250;

/** Reads and prints until the stops, the count, or Ctrl-C. `between` runs after each printed lot. */
async function read(
  context: Context,
  consumer: ConsumerApi,
  reading: Reading,
  hasStarted: () => boolean,
  between: () => Promise<void>,
): Promise<void> {
  const { stops, printer, count } = reading;
  const { clock } = context.io;
  const progress = new Progress(context.host, clock, {
    what: "Consuming",
    isQuiet: context.out.isQuiet || context.host.isOutTerminal,
    total: count,
  });
  let movedAt = clock.mono();
  try {
    while (!context.interrupted.aborted) {
      const records = await polled(context, consumer, reading.skipErrors);
      if (records.length > 0) movedAt = clock.mono();
      for (const record of records) reading.handedOut?.add(keyOf(record));
      for (const record of records) {
        if (stops !== null && record.offset >= (stops.get(keyOf(record)) ?? Infinity)) continue;
        printer.print(record);
        progress.step(1, bytesOf(record), 1);
        if (printer.isFull) await printer.flush();
        if (progress.records === count) break;
      }
      await printer.flush();
      if (progress.records === count) return;
      await between();
      if (stops === null) continue;
      if (hasStarted() && isDone(consumer, stops)) return;
      if (clock.mono() - movedAt > context.clients.timeoutMs) throw new CommandFailed(stalled(consumer, context.clients.timeoutMs));
    }
  } finally {
    progress.end();
    if (!context.host.isOutTerminal) context.out.note(progress.summary());
  }
}

function bytesOf({ key, value }: IncomingRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}

async function polled({ out }: Context, consumer: ConsumerApi, skipErrors: boolean): Promise<readonly IncomingRecord[]> {
  try {
    return await consumer.poll(WAIT_MS);
  } catch (error) {
    if (!skipErrors || !(error instanceof CorruptBatch)) throw error;
    const { topic, partition, baseOffset, nextOffset } = error;
    out.error(`${error.message}: skipped offsets ${baseOffset} to ${nextOffset - 1}`);
    await consumer.seek({ topic, partition }, nextOffset);
    return [];
  }
}

function stalled(consumer: ConsumerApi, timeoutMs: number): string {
  const where = consumer.assignment.map(({ topic, partition }) => `${topic}-${partition}`).slice(0, 5).join(", ");
  return `Cannot read to the end: nothing came for ${durationText(timeoutMs)}${
    where === "" ? ", and the group gave out no partition" : ` (${where})`
  }`;
}

/** Every partition that is ours was read up to its stop. One that is read is not fetched further. */
function isDone(consumer: ConsumerApi, stops: ReadonlyMap<string, number>): boolean {
  const reached = consumer.assignment.filter((partition) => {
    const position = consumer.position(partition);
    return position !== null && position >= (stops.get(keyOf(partition)) ?? 0);
  });
  consumer.pause(reached);
  return reached.length === consumer.assignment.length;
}

/**
 * Reads records out of an embedded broker without a client: what a consumer of committed records would get. Waits for as many as were asked
 * for, woken by the partitions themselves. Joins no group and moves no offset.
 */
import type { Deadline } from "../io/mod.ts";
import type { RunningNode } from "../node.ts";
import { decodeBatch, type DecodedRecord, forEachBatch, lastOffsetOf } from "../protocol/mod.ts";
import type { Partition } from "../replication/types.ts";
import { RequestRefused, WaitedInVain } from "./errors.ts";
import { unknownTopic } from "./topics.ts";

/** What keys, values and headers are given as. `json` parses values only. */
export interface Decoded {
  readonly text: { readonly key: string | null; readonly value: string | null };
  readonly json: { readonly key: string | null; readonly value: unknown };
  readonly bytes: { readonly key: Uint8Array | null; readonly value: Uint8Array | null };
}

export type SeenRecord<As extends keyof Decoded = "text"> = Decoded[As] & {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** As text, or bytes for `bytes`; of a name that comes twice the last one. */
  readonly headers: Readonly<Record<string, (As extends "bytes" ? Uint8Array : string) | null>>;
};

export interface RecordsOptions<As extends keyof Decoded = "text"> {
  /** Only this partition; all of them when absent. */
  readonly partition?: number;
  /** The first there is (the default), what comes from now on, this offset of each partition, or the first at or after a time. */
  readonly from?: "start" | "end" | number | Date;
  /** Waits until there are so many, and gives the first so many. Absent: what is there now. */
  readonly count?: number;
  /** Default `"text"`. */
  readonly decode?: As;
  /** How long to wait for `count`. Default 5 000. */
  readonly timeoutMs?: number;
}

/** Without `count` no more than this is read at once. */
const RECORDS_MAX = 100_000;
const READ_BYTES = 1024 * 1024;
/** A batch may unpack to this much. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * In order of partition and offset.
 * @throws {RequestRefused} for a topic or partition that does not exist, or more than 100,000 records at once.
 * @throws {WaitedInVain} when `count` did not come in time. @throws {SyntaxError} for a value that is no JSON.
 */
export async function records<As extends keyof Decoded>(
  node: RunningNode,
  topic: string,
  options: RecordsOptions<As>,
  deadline: Deadline,
): Promise<readonly SeenRecord<As>[]> {
  const { count = Infinity, decode = "text" as As } = options;
  const partitions = partitionsOf(node, topic, options.partition);
  const wake = waker(node, partitions, deadline);
  try {
    const readers = await Promise.all(partitions.map((partition) => readerAt(partition, options.from ?? "start", deadline)));
    for (;;) {
      for (const reader of readers) await reader.read(Math.min(count, RECORDS_MAX + 1), deadline);
      const found = readers.reduce((sum, { records }) => sum + records.length, 0);
      if (count === Infinity && found > RECORDS_MAX) {
        throw new RequestRefused(
          "INVALID_REQUEST",
          `Cannot read "${topic}" at once: it has more than ${RECORDS_MAX} records, ask for a count of them`,
        );
      }
      if (count === Infinity || found >= count) {
        return readers.flatMap((reader) => reader.records.map((record) => seen(reader.partition, record, decode))).slice(0, count);
      }
      if (!await wake.next()) {
        throw new WaitedInVain(`Cannot read ${count} records of "${topic}" in time: ${found} came within ${options.timeoutMs} ms`);
      }
    }
  } finally {
    wake.cancel();
  }
}

function partitionsOf(node: RunningNode, topic: string, only: number | undefined): readonly Partition[] {
  const image = node.controller.image.topics.get(topic);
  if (image === undefined) throw unknownTopic(node, topic);
  const wanted = only === undefined ? image.partitions.map(({ partition }) => partition) : [only];
  return wanted.map((index) => {
    const partition = node.services.partitions.byName(topic, index);
    if (partition !== null) return partition;
    throw new RequestRefused("UNKNOWN_TOPIC_OR_PARTITION", `Cannot read "${topic}-${index}": it has ${image.partitions.length} partitions`);
  });
}

async function readerAt(partition: Partition, from: NonNullable<RecordsOptions["from"]>, deadline: Deadline): Promise<Reader> {
  if (from === "start") return new Reader(partition, partition.logStartOffset);
  if (from === "end") return new Reader(partition, partition.lastStableOffset);
  if (typeof from === "number") return new Reader(partition, Math.max(from, partition.logStartOffset));
  const found = await partition.findTimestamp(from.getTime(), deadline);
  return new Reader(partition, found?.offset ?? partition.lastStableOffset);
}

class Reader {
  readonly partition: Partition;
  readonly records: DecodedRecord[] = [];
  #next: number;

  constructor(partition: Partition, next: number) {
    this.partition = partition;
    this.#next = next;
  }

  /** Goes on to the end of what can be read, or until it has `max`. */
  async read(max: number, deadline: Deadline): Promise<void> {
    const { partition } = this;
    while (this.#next < partition.lastStableOffset && this.records.length < max) {
      const from = this.#next;
      const request = { fetchOffset: from, maxBytes: READ_BYTES, atLeastOne: true, reader: "committed" } as const;
      const { records: { chunks, lease } } = await partition.read(request, deadline);
      try {
        // A copy: what is given out outlives the lease.
        this.#take(new Uint8Array(Buffer.concat(chunks)), from);
      } finally {
        lease.release();
      }
      if (this.#next === from) return;
    }
  }

  #take(bytes: Uint8Array, from: number): void {
    forEachBatch(bytes, (at) => {
      for (const record of decodeBatch(bytes, at, UNPACKED_BYTES_MAX)) if (record.offset >= from) this.records.push(record);
      this.#next = lastOffsetOf(bytes, at) + 1;
    });
  }
}

/** Says when it is worth to look again; nothing that happened between two questions is missed. */
function waker(node: RunningNode, partitions: readonly Partition[], deadline: Deadline) {
  let isChanged = false;
  let isOver = false;
  let resolve: (() => void) | null = null;
  const look = (over: boolean) => {
    isChanged = true;
    isOver ||= over;
    resolve?.();
  };
  const subscriptions = partitions.map((partition) => partition.subscribe(() => look(!partition.isLeader)));
  subscriptions.push(node.services.io.deadlines.wake(deadline, () => look(true)));
  return {
    /** False when there is no more to wait for. */
    async next(): Promise<boolean> {
      if (!isChanged) await new Promise<void>((done) => resolve = done);
      isChanged = false;
      return !isOver;
    },
    cancel() {
      for (const subscription of subscriptions) subscription.cancel();
    },
  };
}

function seen<As extends keyof Decoded>({ topic, partition }: Partition, record: DecodedRecord, decode: As): SeenRecord<As> {
  const { offset, timestamp, key, value, headers } = record;
  const text = (bytes: Uint8Array | null) => bytes === null ? null : new TextDecoder().decode(bytes);
  const given = decode === "bytes"
    ? { key, value }
    : { key: text(key), value: decode === "json" && value !== null ? JSON.parse(text(value)!) as unknown : text(value) };
  return {
    topic,
    partition,
    offset,
    timestamp,
    ...given,
    headers: Object.fromEntries(headers.map(({ key, value }) => [key, decode === "bytes" ? value : text(value)])),
  } as SeenRecord<As>;
}

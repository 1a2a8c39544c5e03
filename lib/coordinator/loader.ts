/**
 * Reads a `__consumer_offsets` partition from its start into a machine, a buffer at a time. Writes nothing; a record that cannot be
 * read ends the load, because a state with holes would hand out offsets that were never committed.
 */
import type { Io } from "../io/mod.ts";
import type { Partition } from "../replication/types.ts";
import type { GroupsMachine } from "../state/groups/mod.ts";
import { decodeAppends } from "./log_format.ts";

/** For one read of the log. */
const READ_BUDGET_MS = 30_000;

/**
 * Everything below the log end as it is now; waits until that is readable. False when leadership was lost on the way.
 * @throws what the partition's `read` throws, and what a damaged record does.
 */
export async function loadGroups(io: Io, partition: Partition, bufferBytes: number, machine: GroupsMachine): Promise<boolean> {
  const end = partition.logEndOffset;
  let offset = partition.logStartOffset;
  while (offset < end) {
    if (!partition.isLeader) return false;
    if (partition.highWatermark <= offset) {
      await moved(partition);
      continue;
    }
    const request = { fetchOffset: offset, maxBytes: bufferBytes, atLeastOne: true, reader: "consumer" } as const;
    const { records, highWatermark } = await partition.read(request, io.deadlines.in("groups.load", READ_BUDGET_MS));
    try {
      const next = decodeAppends(joined(records.chunks, records.byteLength), (record) => machine.replay(record));
      // A compacted log may end in offsets that no batch has any more.
      offset = next === -1 ? highWatermark : next;
    } finally {
      records.lease.release();
    }
  }
  return true;
}

function joined(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(byteLength);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The next time that the partition reports a change. */
function moved(partition: Partition): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watching = partition.subscribe(() => {
    watching.cancel();
    resolve();
  });
  return promise;
}

/** Bugs of storage, which the tier `storage` must find. */
import type { PlantedBug } from "./types.ts";

const bug = (name: string, file: string, line: string, wrong: string, seedsMax?: number): PlantedBug => ({
  name,
  tier: "storage",
  file: `lib/storage/${file}`,
  line,
  wrong,
  ...(seedsMax === undefined ? {} : { seedsMax }),
});

export const PLANTED: readonly PlantedBug[] = [
  bug("a round is acknowledged before its sync", "wal/wal.ts", "      await this.#sync();\n", "", 50),
  bug(
    "the WAL's current file is trimmed too",
    "node_storage.ts",
    "this.#generations[0]! < before.generation",
    "this.#generations[0]! <= before.generation",
  ),
  bug("bytes of the commit queue are never given back", "wal/wal.ts", "    this.#queuedBytes -= round.batchesBytes;\n", ""),
  bug(
    "the batches of a frame are not checked when the WAL is read",
    "wal/scan.ts",
    "return areValidEntries(entries, batches) ? { header, entries, batches } : null;",
    "return { header, entries, batches };",
  ),
  bug("segments are not synced before the checkpoint", "checkpoint.ts", "      for (const log of changed) await log.syncFiles();\n", ""),
  bug("the names of new segments are not synced", "log/segment_store.ts", "    if (!segment.made) this.#namesDirty = true;\n", ""),
  bug("a replaced file's directory is not synced", "durable_file.ts", "  await io.disk.syncDirectory(directory, deadline);\n", ""),
  bug(
    "the WAL that a start copied is not synced",
    "recovery.ts",
    '    if (this.frames > 0) await file.file.sync(deadlineOf(this.#needs, "wal.copy"));\n',
    "",
  ),
  bug("a checkpoint forgets a change that is durable and not done", "log/log_changes.ts", "      this.#state.begin(change);\n", ""),
  bug("a start does not move the log start", "recovery.ts", "        log.moveStart(entry.offset);\n", ""),
  bug(
    "a cut keeps one batch too many",
    "log/log_repair.ts",
    "found = lastOffsetOf(bytes, at) >= offset;",
    "found = lastOffsetOf(bytes, at) > offset;",
  ),
  bug("a producer's last four batches are remembered", "log/producers.ts", "const BATCHES_KEPT = 5;", "const BATCHES_KEPT = 4;"),
  bug("producers are forgotten by a restart", "log/log_state.ts", "    this.producers.restore(producers);\n", ""),
  bug("a lent buffer is kept without being held", "log/partition_log.ts", "      lease.retain();\n", ""),
  bug(
    "Raft's term is not written",
    "raft_store.ts",
    "        if (hardState !== null) buffer.hardState(hardState);\n",
    "",
  ),
  {
    ...bug(
      "who waits for the second append of a round is not told",
      "",
      "    if (durableEndOffset < logEndOffset) this.#askLog();\n",
      "",
    ),
    file: "lib/replication/partition.ts",
  },
];

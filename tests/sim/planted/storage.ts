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
  bug("a checkpoint forgets a change that is durable and not done", "log/log_changes.ts", "      this.#state.begin(change);\n", "", 2_000),
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
  // ── what goes, and when ──
  bug(
    "retention by size takes one segment too many",
    "retention.ts",
    "!isActive && excess >= segment.size && segment.size > 0;",
    "!isActive && excess > 0;",
  ),
  bug(
    "retention by age looks at a segment's first record",
    "retention.ts",
    "segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.firstTimestamp",
    "segment.firstTimestamp",
  ),
  bug(
    "retention is at work where the policy is to compact",
    "retention.ts",
    "  if (!cleanupPolicy.delete) return log.logStartOffset;\n",
    "",
  ),
  bug(
    "what is rolled below the log start stays",
    "maintenance.ts",
    "if (start <= log.logStartOffset && !log.hasSegmentsBelowStart) return;",
    "if (start <= log.logStartOffset) return;",
  ),
  bug(
    "compaction keeps the first record of a key",
    "compaction.ts",
    "        latest.set(text, offset);",
    "        if (!latest.has(text)) latest.set(text, offset);",
  ),
  {
    // One seed in several thousand.
    ...bug(
      "compaction has been where it did not get to",
      "compaction.ts",
      "const cleanedTo = group === groups.at(-1) ? coveredTo : log.cleanedTo;",
      "const cleanedTo = coveredTo;",
    ),
    script: "tests/sim/scripts/storage/compaction_stopped_between_groups.json",
  },
  bug(
    "compaction takes tombstones whose keys it did not look for",
    "compaction.ts",
    " || header.baseOffset >= this.#coveredTo",
    "",
    4_000,
  ),
  bug(
    "a tombstone goes before its time",
    "compaction.ts",
    "horizonMs !== null && this.#nowMs >= horizonMs;",
    "horizonMs !== null;",
    3_000,
  ),
  bug(
    "compaction does not wait for its lag",
    "compaction.ts",
    " || minCompactionLagMs > 0 && segment.maxTimestamp > nowMs - minCompactionLagMs",
    "",
    4_000,
  ),
  {
    // One seed in many thousands.
    ...bug(
      "a file that was opened while another one took its place is read on",
      "log/segment_store.ts",
      "    this.forgetFiles(old);\n    this.#namesDirty = true;\n",
      "    this.#namesDirty = true;\n",
    ),
    script: "tests/sim/scripts/storage/read_while_compacted_takes_its_place.json",
  },
  bug(
    "a record is found one too late by its time",
    "log/timestamp_search.ts",
    "if (maxTimestampOf(bytes, at) < target) return true;",
    "if (maxTimestampOf(bytes, at) <= target) return true;",
  ),
  bug(
    "of the records with the largest time the last one is told",
    "log/timestamp_search.ts",
    "record.offset >= range.least && record.timestamp > (largest?.timestamp ?? -1)",
    "record.offset >= range.least && record.timestamp >= (largest?.timestamp ?? -1)",
  ),
];

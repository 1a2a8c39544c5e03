/** Makes the names of log directories durable that were made since the last checkpoint: those of the partitions, and of their topics. */
import { type Io, IoFailed } from "../io/mod.ts";
import type { StoredLog } from "./log/partition_log.ts";

const SYNC_MS = 30_000;

/** @throws what the disk throws; then nothing of it counts. */
export async function syncFreshDirectories(io: Io, topicsDirectory: string, logs: readonly StoredLog[]): Promise<void> {
  const topics = new Set<string>();
  for (const { store } of logs) {
    if (store.takeFresh()) topics.add(store.directory.slice(0, store.directory.lastIndexOf("/")));
  }
  if (topics.size === 0) return;
  for (const path of [...topics, topicsDirectory]) {
    await io.disk.syncDirectory(path, io.deadlines.in("checkpoint.syncDirectory", SYNC_MS)).catch((error: unknown) => {
      // Removed meanwhile with its topic.
      if (!(error instanceof IoFailed && error.code === "ENOENT")) throw error;
    });
  }
}

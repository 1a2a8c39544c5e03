/**
 * The checkpoint: for every log what its synced segments hold, and from where the WAL must be replayed. One file, replaced as a whole, so
 * that a start with a thousand partitions opens one file and not thousands. Source of truth only together with the WAL behind it.
 */
import { type Deadline, type Io } from "../io/mod.ts";
import type { LogDump } from "./log/partition_log.ts";
import { readWholeFile, replaceFile } from "./durable_file.ts";
import type { WalPosition } from "./wal/frame.ts";

export const MANIFEST_FILE = "checkpoint";

export interface Manifest {
  readonly wal: WalPosition;
  /** Nothing was written to the WAL after this. */
  readonly clean: boolean;
  readonly logs: readonly LogDump[];
}

/** @param logs each log's dump as JSON: most have not changed since the last checkpoint. */
export async function writeManifest(
  io: Io,
  directory: string,
  { wal, clean, logs }: { readonly wal: WalPosition; readonly clean: boolean; readonly logs: Iterable<string> },
  deadline: Deadline,
): Promise<void> {
  const text = `{"wal":${JSON.stringify(wal)},"clean":${clean},"logs":[\n${[...logs].join(",\n")}\n]}\n`;
  await replaceFile(io, directory, MANIFEST_FILE, [new TextEncoder().encode(text)], deadline);
}

/** Null when there is none, "damaged" when it cannot be trusted. */
export async function readManifest(io: Io, directory: string, deadline: Deadline): Promise<Manifest | null | "damaged"> {
  const bytes = await readWholeFile(io, `${directory}/${MANIFEST_FILE}`, deadline);
  return bytes instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(bytes)) as Manifest : bytes;
}

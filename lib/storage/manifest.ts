/**
 * The checkpoint: for every log what its synced segments hold, and from where the WAL must be replayed. One file, replaced as a whole, so
 * that a start with a thousand partitions opens one file and not thousands. Source of truth only together with the WAL behind it.
 */
import { type Deadline, type Io } from "../io/mod.ts";
import type { LogDump } from "./log/log_state.ts";
import { jsonOf, readWholeFile, replaceFile } from "./durable_file.ts";
import type { WalPosition } from "./wal/frame.ts";

export const MANIFEST_FILE = "checkpoint";

export interface Manifest {
  readonly wal: WalPosition;
  /** Nothing was written to the WAL after this. */
  readonly clean: boolean;
  /** The frame that comes next after those that were durable when this was written: a WAL that ends earlier has lost some. */
  readonly sequence?: number;
  /** The last entry that Raft's own files hold. */
  readonly raftIndex?: number;
  readonly logs: readonly LogDump[];
}

/** @param logs each log's dump as JSON: most have not changed since the last checkpoint. */
export async function writeManifest(
  io: Io,
  directory: string,
  { logs, ...head }: Required<Omit<Manifest, "logs">> & { readonly logs: Iterable<string> },
  deadline: Deadline,
): Promise<void> {
  const text = `${JSON.stringify(head).slice(0, -1)},"logs":[\n${[...logs].join(",\n")}\n]}\n`;
  await replaceFile(io, directory, MANIFEST_FILE, [new TextEncoder().encode(text)], deadline);
}

/** Null when there is none, "damaged" when it cannot be trusted. */
export async function readManifest(io: Io, directory: string, deadline: Deadline): Promise<Manifest | null | "damaged"> {
  const bytes = await readWholeFile(io, `${directory}/${MANIFEST_FILE}`, deadline);
  // Four zeros are the checksum of nothing.
  if (bytes instanceof Uint8Array && bytes.length === 0) return "damaged";
  if (!(bytes instanceof Uint8Array)) return bytes;
  const manifest = jsonOf(bytes) as Partial<Manifest> | null;
  // Whole, but another file under this name.
  return manifest !== null && Array.isArray(manifest.logs) && typeof manifest.wal === "object" ? manifest as Manifest : "damaged";
}

/**
 * What lies in a data directory: names, sizes, and the formats that its own files declare. Reads no records, takes no lock and changes nothing,
 * so that it may look at the directory of a node that runs and of one that cannot start.
 */
import type { Io } from "../io/mod.ts";

export interface DataListing {
  readonly path: string;
  /** The directory's declaration of format, node and cluster; null when it has none that can be read. */
  readonly meta: unknown;
  /** What the last checkpoint says of itself, without the logs. */
  readonly checkpoint: unknown;
  readonly totalBytes: number;
  readonly fileCount: number;
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number } | null;
  /** In order of path; the first `FILES_MAX` of them. */
  readonly files: readonly { readonly path: string; readonly bytes: number | null }[];
  /** What could not be looked at, and why. */
  readonly problems: readonly string[];
}

/** A partition has at least three files: beyond this the listing says how many there are. */
const FILES_MAX = 20_000;
const META_BYTES_MAX = 64 * 1024;
/** In front of each file that is replaced as a whole; any bytes, so also braces. */
const CHECKSUM_BYTES = 4;

export async function listData(io: Io, directory: string, timeoutMs: number): Promise<DataListing> {
  const deadline = io.deadlines.in("debug.data", timeoutMs);
  const files: { path: string; bytes: number | null }[] = [];
  const problems: string[] = [];
  let fileCount = 0;
  let totalBytes = 0;
  const noted = async <T>(what: string, look: () => Promise<T>): Promise<T | null> => {
    try {
      return await look();
    } catch (error) {
      problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const sizeOf = async (path: string): Promise<number> => {
    const file = await io.disk.open(path, { mode: "read" }, deadline);
    try {
      return await file.size(deadline);
    } finally {
      await file.close(deadline);
    }
  };
  const walk = async (path: string, shown: string): Promise<void> => {
    for (const { name, kind } of await noted(`list ${shown}`, () => io.disk.list(path, deadline)) ?? []) {
      const inner = shown === "" ? name : `${shown}/${name}`;
      if (kind === "directory") {
        await walk(`${path}/${name}`, inner);
        continue;
      }
      fileCount++;
      if (files.length >= FILES_MAX) continue;
      const bytes = await noted(`look at ${inner}`, () => sizeOf(`${path}/${name}`));
      totalBytes += bytes ?? 0;
      files.push({ path: inner, bytes });
    }
  };
  await walk(directory, "");
  return {
    path: directory,
    meta: await noted("read meta.json", async () => JSON.parse(await head(io, `${directory}/meta.json`, deadline))),
    checkpoint: await noted("read checkpoint", async () => checkpointHead(await head(io, `${directory}/checkpoint`, deadline))),
    totalBytes,
    fileCount,
    disk: await noted("ask for free space", () => io.disk.space(directory, deadline)),
    files,
    problems,
  };
}

/** The beginning of a small file, behind its checksum. */
async function head(io: Io, path: string, deadline: Parameters<Io["disk"]["list"]>[1]): Promise<string> {
  const file = await io.disk.open(path, { mode: "read" }, deadline);
  try {
    const bytes = new Uint8Array(META_BYTES_MAX);
    return new TextDecoder().decode(bytes.subarray(CHECKSUM_BYTES, await file.read(bytes, 0, deadline)));
  } finally {
    await file.close(deadline);
  }
}

/** What stands before the rows of the logs. */
function checkpointHead(text: string): unknown {
  return JSON.parse(`${text.slice(0, text.indexOf(',"logs":['))}}`) as unknown;
}

/**
 * What was in a data directory before a start that may fail, so that the start can take back what it made. Touches nothing that was there, and
 * nothing that another node may have claimed meanwhile: what is removed is locked, and out of sight first.
 */
import { type Deadline, type Io, IoFailed } from "../io/mod.ts";
import { LOCK_FILE } from "./data_directory.ts";

export interface DirectoryBefore {
  /** Removes what was made since. Only for a node that had claimed the directory, acknowledged nothing and closed its files. */
  takeBack(): Promise<void>;
}

/** The time of a start that failed may be up: tidying has its own. */
const TIDY_MS = 5_000;

export async function directoryBefore(io: Io, directory: string, deadline: Deadline): Promise<DirectoryBefore> {
  const before = await stateOf(io, directory, deadline);
  return {
    async takeBack() {
      if (before === "in use") return;
      const tidying = io.deadlines.in("tidy up", TIDY_MS);
      if (await stateOf(io, directory, tidying) === before) return;
      const lock = await io.disk.lock(`${directory}/${LOCK_FILE}`, tidying);
      try {
        await (before === "missing" ? removeWhole(io, directory, tidying) : empty(io, directory, tidying));
      } finally {
        lock.release();
      }
    },
  };
}

/** Under another name first: a node that starts in this moment makes a directory of its own, and none of its files go. */
async function removeWhole(io: Io, directory: string, deadline: Deadline): Promise<void> {
  const aside = `${directory.replace(/\/+$/, "")}.removed`;
  await io.disk.rename(directory, aside, deadline);
  await io.disk.removeDirectory(aside, deadline);
}

/** A volume, or what somebody made for us: it stays, its lock goes last. */
async function empty(io: Io, directory: string, deadline: Deadline): Promise<void> {
  for (const { name, kind } of await io.disk.list(directory, deadline)) {
    const path = `${directory}/${name}`;
    if (kind === "directory") await io.disk.removeDirectory(path, deadline);
    else if (name !== LOCK_FILE) await io.disk.removeFile(path, deadline);
  }
  await io.disk.removeFile(`${directory}/${LOCK_FILE}`, deadline);
}

/** What may not be looked at is refused by whoever opens it, and left as it is. */
async function stateOf(io: Io, directory: string, deadline: Deadline): Promise<"missing" | "empty" | "in use"> {
  try {
    return (await io.disk.list(directory, deadline)).length === 0 ? "empty" : "in use";
  } catch (error) {
    if (!(error instanceof IoFailed)) throw error;
    return error.code === "ENOENT" ? "missing" : "in use";
  }
}

/** Whose data directory this is: lock, format version, node id, cluster id. Every refusal says what to do. */
import { type Deadline, type Io, IoFailed } from "../io/mod.ts";
import { jsonOf, readWholeFile, replaceFile } from "./durable_file.ts";
import { DataDirectoryRefused } from "./errors.ts";

/** Raised with every change that an older version would misread. */
export const FORMAT_VERSION = 1;
const META_FILE = "meta.json";
export const LOCK_FILE = "lock";

export interface DirectoryMeta {
  readonly formatVersion: number;
  readonly nodeId: number;
  readonly clusterId: string | null;
}

export interface DataDirectory {
  readonly meta: DirectoryMeta;
  /** Made by this start. */
  readonly isNew: boolean;
  /** The cluster's id became known. */
  setClusterId(clusterId: string, deadline: Deadline): Promise<void>;
  /** @throws {DataDirectoryRefused} when the directory, or what says whose it is, was removed under the running node. */
  verify(deadline: Deadline): Promise<void>;
  release(): void;
}

/** @throws {DataDirectoryRefused} */
export async function claimDataDirectory(
  io: Io,
  directory: string,
  { nodeId, clusterId }: { readonly nodeId: number; readonly clusterId: string | null },
  deadline: Deadline,
): Promise<DataDirectory> {
  const lock = await lockDirectory(io, directory, deadline);
  try {
    const found = await readMeta(io, directory, deadline);
    if (found !== null) check(found, directory, nodeId, clusterId);
    let meta: DirectoryMeta = { formatVersion: FORMAT_VERSION, nodeId, clusterId: clusterId ?? found?.clusterId ?? null };
    const save = () => replaceFile(io, directory, META_FILE, [new TextEncoder().encode(JSON.stringify(meta))], deadline);
    // First: whoever finds that this is somebody's may rely on its name. A start that was killed in between would never be made up for.
    if (found === null) await syncParent(io, directory, deadline);
    if (found === null || found.clusterId !== meta.clusterId) await save();
    return {
      get meta() {
        return meta;
      },
      isNew: found === null,
      async setClusterId(id) {
        if (meta.clusterId === id) return;
        check(meta, directory, nodeId, id);
        meta = { ...meta, clusterId: id };
        await save();
      },
      async verify(deadline) {
        const names = await io.disk.list(directory, deadline).catch((error: unknown) => {
          if (error instanceof IoFailed && error.code === "ENOENT") return [];
          throw error;
        });
        if (names.some(({ name }) => name === META_FILE)) return;
        throw refused(
          directory,
          `"${META_FILE}" was removed while the node was running`,
          "Restore this node's data from a backup or a peer",
        );
      },
      release: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function lockDirectory(io: Io, directory: string, deadline: Deadline): Promise<{ release(): void }> {
  try {
    await io.disk.makeDirectory(directory, deadline);
    return await io.disk.lock(`${directory}/${LOCK_FILE}`, deadline);
  } catch (error) {
    if (!(error instanceof IoFailed)) throw error;
    if (error.code === "EWOULDBLOCK") {
      throw refused(directory, "another node is using it", "Stop that node, or start this one with another data directory");
    }
    throw refusedBySystem(directory, error);
  }
}

/** The directory's own name must survive a power cut too. A parent that we may not open was made by somebody else, long ago. */
async function syncParent(io: Io, directory: string, deadline: Deadline): Promise<void> {
  const parent = directory.replace(/\/+$/, "").replace(/[^/]*$/, "");
  try {
    await io.disk.syncDirectory(parent === "" ? "." : parent, deadline);
  } catch (error) {
    if (!(error instanceof IoFailed && error.code === "EACCES")) throw error;
  }
}

async function readMeta(io: Io, directory: string, deadline: Deadline): Promise<DirectoryMeta | null> {
  const bytes = await readWholeFile(io, `${directory}/${META_FILE}`, deadline);
  if (bytes === null) {
    const entries = await io.disk.list(directory, deadline);
    const foreign = entries.find(({ name }) => name !== LOCK_FILE && name !== `${META_FILE}.tmp`);
    if (foreign === undefined) return null;
    throw refused(
      directory,
      `it holds "${foreign.name}" but no "${META_FILE}"`,
      `Name an empty directory, or put "${META_FILE}" back from a backup`,
    );
  }
  const meta = bytes === "damaged" ? null : jsonOf(bytes) as Partial<DirectoryMeta> | null;
  if (typeof meta?.formatVersion !== "number") throw refused(directory, `"${META_FILE}" is damaged`, "Put it back from a backup");
  return meta as DirectoryMeta;
}

function check(found: DirectoryMeta, directory: string, nodeId: number, clusterId: string | null): void {
  if (found.formatVersion > FORMAT_VERSION) {
    throw refused(
      directory,
      `it has format ${found.formatVersion}, this version knows up to ${FORMAT_VERSION}`,
      "Use the version that wrote it, or a newer one",
    );
  }
  if (found.nodeId !== nodeId) {
    throw refused(
      directory,
      `it belongs to node ${found.nodeId}, this is node ${nodeId}`,
      "Start with that node id, or with another directory",
    );
  }
  if (clusterId !== null && found.clusterId !== null && found.clusterId !== clusterId) {
    throw refused(
      directory,
      `it belongs to cluster "${found.clusterId}", this node to "${clusterId}"`,
      `Start with the directory of this cluster, or with an empty one; if its folder "raft" was lost, put it back from a backup`,
    );
  }
}

/** What to do about what the system says when a file of the directory cannot be used. */
const ADVICE: Readonly<Record<string, string>> = {
  EISDIR: "Something else has its name: put the file back from a backup",
  ENOTDIR: "Something else has the name of a folder: put the folder back from a backup",
  ENOENT: "Put it back from a backup",
  EACCES: "Check the path, its owner and its permissions",
  EPERM: "Check the path, its owner and its permissions",
  EROFS: "Its file system is read-only: make it writable, or name another directory",
  EIO: "The disk cannot read or write it: look at the system's log, and restore this node's data from a replica or a backup",
  ENOSPC: "Free some space on that disk",
  EDQUOT: "Free some space, or raise this user's quota",
  EMFILE: "Raise this user's limit of open files (ulimit -n)",
  ENFILE: "Raise the system's limit of open files",
};

/** The refusal for a failure of the system that storage cannot go around. */
export function refusedBySystem(directory: string, error: IoFailed): DataDirectoryRefused {
  return refused(directory, error.message, ADVICE[error.code] ?? "Look at the system's log", error);
}

function refused(directory: string, why: string, advice: string, cause?: unknown): DataDirectoryRefused {
  return new DataDirectoryRefused(`Cannot use data directory "${directory}": ${why}. ${advice}`, { cause });
}

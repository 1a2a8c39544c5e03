/** Door of `storage`: one call opens a data directory and recovers it. */
import { type Io, IoFailed } from "../io/mod.ts";
import { claimDataDirectory, refusedBySystem } from "./data_directory.ts";
import { MANIFEST_FILE, readManifest } from "./manifest.ts";
import { NodeStorage } from "./node_storage.ts";
import { DEFAULT_STORAGE_SETTINGS, type StorageSettings } from "./settings.ts";

export * from "./errors.ts";
export type * from "./types.ts";
export { type DirectoryBefore, directoryBefore } from "./directory_before.ts";
export {
  DEFAULT_LOG_SETTINGS,
  DEFAULT_STORAGE_SETTINGS,
  MEMORY_STORAGE_SETTINGS,
  type StorageLog,
  type StorageSettings,
} from "./settings.ts";
export { NodeStorage } from "./node_storage.ts";

const READ_ANEW = "every log is read to make a new one. Compare what topics have with a backup: segments that are gone too are not missed";
/** Budget of the small files that a start reads and writes. */
const OPEN_MS = 30_000;

/**
 * Claims the directory, recovers what is in it and starts the commit loop.
 * @throws {DataDirectoryRefused} when it is in use, of another node or from a newer version.
 * @throws {CorruptLog} when acknowledged data would be lost; nothing was changed then.
 */
export async function openStorage(
  io: Io,
  settings: Partial<StorageSettings> & { readonly nodeId: number },
  directory: string,
): Promise<NodeStorage> {
  const all: StorageSettings = { ...DEFAULT_STORAGE_SETTINGS, ...settings };
  const deadline = io.deadlines.in("storage.open", OPEN_MS);
  const claim = await claimDataDirectory(io, directory, all, deadline).catch((error: unknown) => {
    throw error instanceof IoFailed ? refusedBySystem(directory, error) : error;
  });
  try {
    await io.disk.makeDirectory(`${directory}/wal`, deadline);
    await io.disk.makeDirectory(`${directory}/topics`, deadline);
    let manifest = await readManifest(io, directory, deadline);
    if (manifest === "damaged") {
      all.log("warn", `The checkpoint is damaged: ${READ_ANEW}`, { path: `${directory}/${MANIFEST_FILE}` });
      manifest = null;
    } else if (manifest === null && !claim.isNew) {
      all.log("warn", `The checkpoint is missing: ${READ_ANEW}`, { path: `${directory}/${MANIFEST_FILE}` });
    }
    const storage = new NodeStorage(io, all, directory, claim);
    try {
      await storage.start(manifest);
    } catch (error) {
      await storage.abandon();
      throw error;
    }
    return storage;
  } catch (error) {
    claim.release();
    throw error instanceof IoFailed ? refusedBySystem(directory, error) : error;
  }
}

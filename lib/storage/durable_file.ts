/** Small files that are replaced as a whole: temporary file, sync, rename, sync of the directory. A checksum tells damage. */
import { type Deadline, type Io, IoFailed } from "../io/mod.ts";
import { crc32c, readInt32, writeInt32 } from "../protocol/records/mod.ts";

const CHECKSUM_BYTES = 4;
const READ_BYTES_MAX = 1024 * 1024 * 1024;

/** The content is durable under its name when this resolves; before that the old content is. */
export async function replaceFile(
  io: Io,
  directory: string,
  name: string,
  content: readonly Uint8Array[],
  deadline: Deadline,
): Promise<void> {
  const temporary = `${directory}/${name}.tmp`;
  const checksum = new Uint8Array(CHECKSUM_BYTES);
  let crc = 0;
  let byteLength = 0;
  for (const chunk of content) {
    crc = crc32c(chunk, 0, chunk.length, crc);
    byteLength += chunk.length;
  }
  writeInt32(checksum, 0, crc);
  const file = await io.disk.open(temporary, { mode: "create" }, deadline);
  try {
    await file.truncate(0, deadline);
    await file.write([checksum, ...content], 0, deadline);
    await file.sync(deadline);
  } finally {
    await file.close(deadline);
  }
  await io.disk.rename(temporary, `${directory}/${name}`, deadline);
  await io.disk.syncDirectory(directory, deadline);
}

/** An object that was written as JSON; null when something else is there: the checksum says nothing of whose file it is. */
export function jsonOf(bytes: Uint8Array): object | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The content, null when there is no such file, "damaged" when it fails its checksum. */
export async function readWholeFile(io: Io, path: string, deadline: Deadline): Promise<Uint8Array | null | "damaged"> {
  let file;
  try {
    file = await io.disk.open(path, { mode: "read" }, deadline);
  } catch (error) {
    if (error instanceof IoFailed && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    const size = await file.size(deadline);
    if (size < CHECKSUM_BYTES || size > READ_BYTES_MAX) return "damaged";
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const count = await file.read(bytes.subarray(at), at, deadline);
      if (count === 0) return "damaged";
      at += count;
    }
    return crc32c(bytes, CHECKSUM_BYTES) === readInt32(bytes, 0) >>> 0 ? bytes.subarray(CHECKSUM_BYTES) : "damaged";
  } finally {
    await file.close(deadline);
  }
}

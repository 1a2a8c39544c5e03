/** Reading that does not stop at a short read. Knows nothing of what is read. */
import type { Deadline, DiskFile } from "../../io/mod.ts";

/** Reads until `into` is full or the file ends; answers with the count. */
export async function readAll(file: DiskFile, into: Uint8Array, position: number, deadline: Deadline): Promise<number> {
  let at = 0;
  while (at < into.length) {
    const count = await file.read(at === 0 ? into : into.subarray(at), position + at, deadline);
    if (count === 0) break;
    at += count;
  }
  return at;
}

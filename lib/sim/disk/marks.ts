/** Where marks were written (`markOf`), so that what is durable need not be searched: bytes are looked through once, when they are written. */
import type { SimFile } from "./file.ts";

const TILDE = 0x7e;
/** `~` + 7 digits of base 36 + `~`. */
const MARK_BYTES = 9;

interface Place {
  readonly file: SimFile;
  readonly offset: number;
}

export class Marks {
  readonly #places = new Map<number, Place[]>();
  readonly #window = new Uint8Array(2 * MARK_BYTES);

  /** After they were written to `file` at `offset`. */
  written(file: SimFile, chunks: readonly Uint8Array[], offset: number): void {
    let at = offset;
    for (const chunk of chunks) {
      let next = chunk.indexOf(TILDE);
      if (at > 0) this.#across(file, at, chunk);
      while (next >= 0 && next + MARK_BYTES <= chunk.length) {
        const id = idAt(chunk, next);
        if (id >= 0) this.#add(id, file, at + next);
        next = chunk.indexOf(TILDE, id >= 0 ? next + MARK_BYTES : next + 1);
      }
      at += chunk.length;
    }
  }

  /** @param isDurable whether the file itself would be found. */
  isDurable(mark: string, isDurable: (file: SimFile) => boolean): boolean {
    const id = idOf(mark);
    const found = this.#window.subarray(0, MARK_BYTES);
    return (this.#places.get(id) ?? []).some(({ file, offset }) =>
      file.readDurable(found, offset) === MARK_BYTES && idAt(found, 0) === id && isDurable(file)
    );
  }

  /** A mark that begins before `at` and ends in this chunk. */
  #across(file: SimFile, at: number, chunk: Uint8Array): void {
    const before = Math.min(at, MARK_BYTES - 1);
    if (!endsEarly(chunk)) return;
    const length = file.read(this.#window, at - before);
    for (let start = 0; start < before && start + MARK_BYTES <= length; start++) {
      const id = this.#window[start] === TILDE ? idAt(this.#window, start) : -1;
      if (id >= 0) this.#add(id, file, at - before + start);
    }
  }

  #add(id: number, file: SimFile, offset: number): void {
    const places = this.#places.get(id);
    if (places === undefined) this.#places.set(id, [{ file, offset }]);
    else if (!places.some((place) => place.file === file && place.offset === offset)) places.push({ file, offset });
  }
}

function endsEarly(chunk: Uint8Array): boolean {
  for (let at = Math.min(MARK_BYTES - 1, chunk.length) - 1; at >= 0; at--) if (chunk[at] === TILDE) return true;
  return false;
}

function idOf(mark: string): number {
  const bytes = new TextEncoder().encode(mark);
  return bytes.length === MARK_BYTES ? idAt(bytes, 0) : -1;
}

/** @returns -1 where there is no mark. */
function idAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== TILDE || bytes[at + MARK_BYTES - 1] !== TILDE) return -1;
  let id = 0;
  for (let digit = at + 1; digit < at + MARK_BYTES - 1; digit++) {
    const byte = bytes[digit]!;
    const value = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x61 && byte <= 0x7a ? byte - 0x57 : -1;
    if (value < 0) return -1;
    id = id * 36 + value;
  }
  return id;
}

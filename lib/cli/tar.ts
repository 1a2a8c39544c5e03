/** Files as one tar archive (POSIX ustar), for the support bundle. Regular files only; reads nothing and compresses nothing. */

export interface TarFile {
  /** With slashes, at most 100 bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

/** @param seconds when the files are said to have been written, since 1970. @throws {RangeError} for a name that does not fit. */
export function tarOf(files: readonly TarFile[], seconds: number): Uint8Array {
  const padded = (length: number) => Math.ceil(length / BLOCK) * BLOCK;
  const archive = new Uint8Array(files.reduce((sum, { bytes }) => sum + BLOCK + padded(bytes.length), 2 * BLOCK));
  let at = 0;
  for (const { name, bytes } of files) {
    archive.set(headerOf(name, bytes.length, seconds), at);
    archive.set(bytes, at + BLOCK);
    at += BLOCK + padded(bytes.length);
  }
  return archive;
}

function headerOf(name: string, length: number, seconds: number): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => `${Math.floor(value).toString(8).padStart(digits, "0")}\0`;
  if (new TextEncoder().encode(name).length > 100) throw new RangeError(`Cannot archive "${name}": its name has more than 100 bytes`);
  put(0, name);
  put(100, octal(0o600, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(length, 11));
  put(136, octal(seconds, 11));
  // The checksum counts itself as spaces.
  put(148, "        0ustar\u000000");
  put(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)} `);
  return header;
}

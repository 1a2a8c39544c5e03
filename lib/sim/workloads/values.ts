/** Values of records: a mark, then filler that follows from it, so that a reader sees whether it was given what was written. */
const text = new TextDecoder();

const MARK_CHARS = 9;
const FILLER = "abcdefghijklmnopqrstuvwxyz";

/** @param length at least; the mark is always whole. */
export function valueOf(mark: string, length: number): string {
  const size = Math.max(0, Math.floor(length) - mark.length);
  return mark + fillerOf(mark, size);
}

/** The mark of a value; what is not a value of ours comes back as it is, and nobody wrote that. */
export function markIn(value: Uint8Array | null): string {
  if (value === null) return "";
  const all = text.decode(value);
  const mark = all.slice(0, MARK_CHARS);
  return all === mark + fillerOf(mark, all.length - MARK_CHARS) ? mark : all;
}

function fillerOf(mark: string, size: number): string {
  const start = mark.charCodeAt(MARK_CHARS - 2) % FILLER.length;
  return size <= 0 ? "" : (FILLER.slice(start) + FILLER.repeat(Math.ceil(size / FILLER.length))).slice(0, size);
}

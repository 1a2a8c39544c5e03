/**
 * Which bytes of a segment's file were read and had good checksums since the start, so that the next reader need not look again (HAZARDS W4).
 * Holds a few ranges: several readers at different places, or reads that end out of order, must not make each other forget.
 */

/** At the bound the range that was added longest ago is forgotten: its bytes are looked at once more. */
const RANGES_MAX = 16;

interface Range {
  from: number;
  /** Exclusive; from < to. */
  to: number;
}

export class VerifiedRanges {
  /** Disjoint, not touching; the latest one last. */
  #ranges: Range[] = [];

  has(from: number, to: number): boolean {
    for (const range of this.#ranges) if (from >= range.from && to <= range.to) return true;
    return false;
  }

  add(from: number, to: number): void {
    const joined: Range = { from, to };
    const others: Range[] = [];
    for (const range of this.#ranges) {
      if (range.to < joined.from || range.from > joined.to) others.push(range);
      else {
        joined.from = Math.min(joined.from, range.from);
        joined.to = Math.max(joined.to, range.to);
      }
    }
    if (others.length === RANGES_MAX) others.shift();
    others.push(joined);
    this.#ranges = others;
  }

  /** The file was cut: nothing from `size` on is known any more. */
  cut(size: number): void {
    this.#ranges = this.#ranges.filter((range) => range.from < size);
    for (const range of this.#ranges) range.to = Math.min(range.to, size);
  }
}

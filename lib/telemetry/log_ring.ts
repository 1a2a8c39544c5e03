/** The last lines of the log, for whoever looks later: bounded in lines and in bytes, the oldest go first. Writes nothing anywhere. */

const LINES_MAX = 1_000;
const CHARS_MAX = 256 * 1024;

export class LogRing {
  readonly #linesMax: number;
  readonly #charsMax: number;
  readonly #lines: string[] = [];
  #chars = 0;

  constructor({ linesMax = LINES_MAX, charsMax = CHARS_MAX }: { readonly linesMax?: number; readonly charsMax?: number } = {}) {
    this.#linesMax = linesMax;
    this.#charsMax = charsMax;
  }

  /** Without its line break. A line that is longer than everything may be is cut. */
  push(line: string): void {
    const kept = line.slice(0, this.#charsMax);
    this.#lines.push(kept);
    this.#chars += kept.length;
    while (this.#lines.length > this.#linesMax || this.#chars > this.#charsMax) this.#chars -= this.#lines.shift()!.length;
  }

  /** Oldest first. */
  lines(): readonly string[] {
    return [...this.#lines];
  }
}

/**
 * What happened, as a hash: equal for two runs of the same plan, or the simulator is not deterministic. With `keep`, the last events as text too,
 * for people.
 */
const LINES_MAX = 2_000;

export class Trace {
  #low = 0x9e3779b9 | 0;
  #high = 0x85ebca6b | 0;
  readonly #codes = new Map<string, number>();
  #lines: string[] | null = null;

  /** From now on the last events are kept as text. */
  keep(): void {
    this.#lines ??= [];
  }

  /** @param at virtual milliseconds. @param owner who it happened to. @param more sizes, checksums: what the next events depend on. */
  add(kind: string, at: number, owner: number, more = 0): void {
    this.#mix(this.#codeOf(kind) ^ Math.imul(owner, 0x9e3779b1));
    this.#mix(Math.round(at * 1000));
    if (more !== 0) this.#mix(more);
    if (this.#lines !== null) this.note(at, `${owner} ${kind}${more === 0 ? "" : ` ${more}`}`);
  }

  /** Only for people: not in the hash. */
  note(at: number, text: string): void {
    if (this.#lines === null) return;
    this.#lines.push(`${at.toFixed(3)} ${text}`);
    if (this.#lines.length > 2 * LINES_MAX) this.#lines.splice(0, LINES_MAX);
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  get lines(): readonly string[] {
    return this.#lines?.slice(-LINES_MAX) ?? [];
  }

  #mix(value: number): void {
    const word = value | 0;
    this.#low = Math.imul(this.#low ^ word, 0x01000193) ^ (this.#high >>> 13);
    this.#high = Math.imul((this.#high + (word ^ (this.#low >>> 7))) | 0, 0x5bd1e995);
  }

  #codeOf(kind: string): number {
    let code = this.#codes.get(kind);
    if (code === undefined) {
      code = 0;
      for (let at = 0; at < kind.length; at++) code = Math.imul(code, 31) + kind.charCodeAt(at) | 0;
      this.#codes.set(kind, code);
    }
    return code;
  }
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

/**
 * Randomness of a simulation: one stream of draws for every kind of decision and every object (`"net/2>3"`, `"disk/1/torn"`), each a
 * function of the seed and its name alone. So one fault less, or one more, does not roll the dice of all others anew (HAZARDS 3.4).
 */
import type { Random } from "../io/mod.ts";

export class Draws implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed a non-negative safe integer. */
  constructor(seed: number, stream: string) {
    const name = fnv1a(stream);
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) ^ name;
    this.#c = name;
    for (let round = 0; round < 12; round++) this.#next();
  }

  /** Uniform in [0, 1). */
  float(): number {
    return this.#next() / 0x1_0000_0000;
  }

  /** An integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.float() * count);
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + this.float() * (high - low);
  }

  chance(share: number): boolean {
    return this.float() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Most values near `low`, some up to `high`: rates and sizes whose order of magnitude matters. */
  skewed(low: number, high: number): number {
    return low * (high / low) ** (this.float() ** 2);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#next() >>> 24;
    return bytes;
  }

  /** sfc32: 128 bits of state, passes PractRand; `Math.random` has no seed. */
  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash | 0;
}

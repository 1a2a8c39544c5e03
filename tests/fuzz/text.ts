/** Text for parsers: known words, words that JavaScript's objects have too, signs that mean something, and damage to all of them. */
import type { Draws } from "../../lib/sim/random.ts";

const NASTY = [
  "",
  " ",
  "\t",
  "constructor",
  "__proto__",
  "toString",
  "hasOwnProperty",
  "prototype",
  "null",
  "undefined",
  "NaN",
  "Infinity",
  "-1",
  "0",
  "1e3",
  "1e999",
  "0x10",
  "9007199254740993",
  "99999999999999999999",
  "-9223372036854775808",
  "true",
  "a=b",
  "#",
  "!",
  "\\",
  "\\u00e",
  "\\uD83D",
  "👋",
  "\u0000",
  "\uFEFF",
  "\u2028",
  "ü",
  "${x}",
  "%",
  "%%",
  "--",
  "-",
  ",",
  "://",
  "::1",
  "[::1]:9092",
  "x".repeat(300),
] as const;
const SIGNS = "\\=:#!, \t\f\r\n%-\"'{}[]().*?+|^$/<>@&;`~\0";

export function someText(draws: Draws, words: readonly string[]): string {
  const picked = draws.chance(0.6) ? draws.pick(words) : draws.pick(NASTY);
  return draws.chance(0.25) ? damaged(picked, draws) : picked;
}

export function damaged(text: string, draws: Draws): string {
  for (let more = 1 + draws.below(3); more > 0; more--) {
    const at = draws.below(text.length + 1);
    switch (draws.below(4)) {
      case 0:
        text = text.slice(0, at) + draws.pick([...SIGNS]) + text.slice(at);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(at + 1 + draws.below(3));
        break;
      case 2:
        text = text.slice(0, at) + draws.pick(NASTY) + text.slice(at);
        break;
      default:
        text = text.slice(0, at) + text.slice(at).toUpperCase();
    }
  }
  return text;
}

const UTF8 = new TextEncoder();
export const bytesOf = (text: string): Uint8Array => UTF8.encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

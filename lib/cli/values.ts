/** Values that people type: durations, sizes, times, places in a log. Each is refused with the accepted form. Knows no command. */
import type { Position } from "../client/mod.ts";
import { UsageError } from "./exit.ts";

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

/** `1h30m` to milliseconds; null when it is no duration. */
export function parseDuration(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return null;
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) ms += Number(number) * DURATION_UNITS[unit!]!;
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : null;
}

/** `64KiB` to bytes; null when it is no size. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = match && SIZE_UNITS[match[2]!.toLowerCase()];
  if (!match || unit === undefined) return null;
  const bytes = Math.round(Number(match[1]) * unit!);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

export const TIME_FORM = "2026-01-31T12:00:00Z, @1767225600000 (milliseconds since 1970) or 15m (that long ago)";

/** Milliseconds since 1970; null when it is no time. A time without zone is local. */
export function parseTime(text: string, nowMs: number): number | null {
  if (/^@\d{1,15}$/.test(text)) return Number(text.slice(1));
  const ago = parseDuration(text);
  if (ago !== null) return nowMs - ago;
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return null;
  const ms = Date.parse(text.replace(" ", "T"));
  return Number.isNaN(ms) ? null : ms;
}

/** A place in a partition: as the client has it, or that many records before its end. */
export type Place = Position | { readonly last: number };

export const PLACE_FORM = `earliest, latest, an offset, -N (the last N), or a time: ${TIME_FORM}`;

/** @throws {UsageError} */
export function parsePlace(flag: string, text: string, nowMs: number): Place {
  if (text === "earliest" || text === "beginning" || text === "start") return "earliest";
  if (text === "latest" || text === "end") return "latest";
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (/^-\d{1,15}$/.test(text)) return { last: Number(text.slice(1)) };
  const timestamp = parseTime(text, nowMs);
  if (timestamp === null) throw new UsageError(`Invalid "${flag} ${text}": accepted are ${PLACE_FORM}`);
  return { timestamp };
}

/** `NAME=VALUE` pairs in their order. @throws {UsageError} */
export function parsePairs(flag: string, texts: readonly string[]): readonly (readonly [name: string, value: string])[] {
  return texts.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`Invalid "${`${flag} ${text}`.trim()}": write ${`${flag} NAME=VALUE`.trim()}`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
}

/** `orders` or `orders:0,3-5`. Null: all partitions. @throws {UsageError} */
export function parseTopicPartitions(
  flag: string,
  text: string,
): { readonly topic: string; readonly partitions: readonly number[] | null } {
  const match = /^([^:]+)(?::(.+))?$/.exec(text);
  if (!match) throw new UsageError(`Invalid "${flag} ${text}": write TOPIC or TOPIC:PARTITION,…`);
  return { topic: match[1]!, partitions: match[2] === undefined ? null : parsePartitions(`${flag} ${text}`, match[2]) };
}

/** Partitions that one flag may name: more is a slip of the hand. */
const PARTITIONS_MAX = 100_000;

/** `0,3-5` to 0, 3, 4, 5. @throws {UsageError} */
export function parsePartitions(where: string, text: string): readonly number[] {
  const partitions = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (!match || to < from || to - from >= PARTITIONS_MAX) {
      throw new UsageError(`Invalid "${where}": partitions are written 0,3-5`);
    }
    for (let partition = from; partition <= to; partition++) partitions.add(partition);
  }
  return [...partitions].sort((a, b) => a - b);
}

/** `1.5 MiB`, for people. */
export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let at = 0;
  while (bytes >= 1024 && at < units.length - 1) [bytes, at] = [bytes / 1024, at + 1];
  return `${at === 0 ? bytes : bytes.toFixed(bytes < 10 ? 1 : 0)} ${units[at]}`;
}

/** `2h 5m`, `12s`, `340ms`, for people. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** ISO with milliseconds, UTC; `-` for a time that is none (Kafka's -1). */
export function timeText(ms: number): string {
  return ms < 0 || ms > 8.64e15 ? "-" : new Date(ms).toISOString();
}

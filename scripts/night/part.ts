/** What a part of a night has to offer: pieces of work, one at a time for each core, and a summary at the end. */

export interface Part {
  readonly name: string;
  /** Of the time of all cores, as far as it has work for it. */
  readonly share: number;
  /** A piece of work that takes about `forMs`; null when there is none now. Never rejects. */
  next(forMs: number): (() => Promise<void>) | null;
  /** Lines for the end. */
  summary(): readonly string[];
  /** What went wrong, one line each. */
  readonly found: readonly string[];
}

export const count = (value: number): string => Math.round(value).toLocaleString("en-US");

export function timeText(ms: number): string {
  const [minutes, seconds] = [Math.floor(ms / 60_000), Math.round(ms / 1000) % 60];
  if (minutes >= 48 * 60) return `${(minutes / 60 / 24).toFixed(1)} d`;
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : minutes > 0 ? `${minutes} min ${seconds} s` : `${seconds} s`;
}

/** How far long work is: one line on the terminal that is drawn over, with rate and time left. Silent where nobody looks. */
import type { Clock } from "../io/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import { durationText, sizeText } from "./values.ts";

const DRAW_EVERY_MS = 200;
/** Rates are of this long back, so that they follow a change. */
const RATE_WINDOW_MS = 5000;

export interface ProgressOptions {
  readonly isQuiet: boolean;
  /** `Producing`. */
  readonly what: string;
  /** What there is to do, in the unit of `step`'s `done`; null: not known. */
  readonly total: number | null;
}

export class Progress {
  readonly #host: HostProcess;
  readonly #clock: Clock;
  readonly #options: ProgressOptions;
  readonly #startedAt: number;
  #records = 0;
  #bytes = 0;
  #done = 0;
  #drawnAt: number;
  #isDrawn = false;
  /** Points to measure the rate from, oldest first; one per drawing, so few. */
  #marks: { readonly at: number; readonly records: number; readonly bytes: number; readonly done: number }[] = [];

  constructor(host: HostProcess, clock: Clock, options: ProgressOptions) {
    this.#host = host;
    this.#clock = clock;
    this.#options = options;
    this.#startedAt = clock.mono();
    this.#drawnAt = this.#startedAt;
    this.#marks.push({ at: this.#startedAt, records: 0, bytes: 0, done: 0 });
  }

  get records(): number {
    return this.#records;
  }
  get bytes(): number {
    return this.#bytes;
  }
  get elapsedMs(): number {
    return this.#clock.mono() - this.#startedAt;
  }

  /** @param done how much of the total that was. */
  step(records: number, bytes: number, done: number): void {
    this.#records += records;
    this.#bytes += bytes;
    this.#done += done;
    const now = this.#clock.mono();
    if (now - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = now;
    this.#marks.push({ at: now, records: this.#records, bytes: this.#bytes, done: this.#done });
    while (this.#marks.length > 2 && now - this.#marks[0]!.at > RATE_WINDOW_MS) this.#marks.shift();
    if (!this.#host.isTerminal || this.#options.isQuiet) return;
    this.#isDrawn = true;
    const line = this.#line(now).slice(0, this.#host.columns() - 1);
    this.#host.writeError(`\r\x1b[K${line}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isDrawn) this.#host.writeError("\r\x1b[K");
    this.#isDrawn = false;
  }

  /** `12,000 records, 1.2 MiB in 3s: 4,000 records/s, 0.4 MiB/s`. */
  summary(): string {
    const ms = Math.max(1, this.elapsedMs);
    return `${number(this.#records)} records, ${sizeText(this.#bytes)} in ${durationText(ms)}: ` +
      `${number(this.#records * 1000 / ms)} records/s, ${sizeText(Math.round(this.#bytes * 1000 / ms))}/s`;
  }

  #line(now: number): string {
    const since = this.#marks[0]!;
    const seconds = Math.max(0.001, (now - since.at) / 1000);
    const rate = (this.#records - since.records) / seconds;
    const { what, total } = this.#options;
    const parts = [
      `${what}: ${number(this.#records)} records`,
      `${number(rate)}/s`,
      `${sizeText(Math.round((this.#bytes - since.bytes) / seconds))}/s`,
    ];
    if (total !== null && total > 0) {
      parts.push(`${Math.min(100, Math.floor(this.#done * 100 / total))} %`);
      const doneRate = (this.#done - since.done) / seconds;
      if (doneRate > 0) parts.push(`${durationText(Math.max(0, total - this.#done) / doneRate * 1000)} left`);
    }
    return parts.join("  ");
  }
}

export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

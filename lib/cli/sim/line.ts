/** How far a range of seeds is: one line on the terminal that is drawn over. Silent where nobody looks. */
import type { Clock } from "../../io/mod.ts";
import type { HostProcess } from "../../io/real/process.ts";
import type { Tally } from "../../sim/mod.ts";
import { number } from "../progress.ts";
import { durationText } from "../values.ts";

const DRAW_EVERY_MS = 200;

export class SimLine {
  readonly #host: HostProcess;
  readonly #clock: Clock;
  readonly #isShown: boolean;
  readonly #name: string;
  readonly #count: number;
  readonly #forMs: number;
  readonly #startedAt: number;
  #drawnAt = -Infinity;

  /** @param count seeds, may be infinite. @param forMs may be infinite. */
  constructor(host: HostProcess, clock: Clock, isQuiet: boolean, name: string, count: number, forMs: number) {
    this.#host = host;
    this.#clock = clock;
    this.#isShown = host.isTerminal && !isQuiet;
    this.#name = name;
    this.#count = count;
    this.#forMs = forMs;
    this.#startedAt = clock.mono();
  }

  show({ seeds, failed, virtualMs }: Tally): void {
    const now = this.#clock.mono();
    if (!this.#isShown || now - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = now;
    const ms = Math.max(1, now - this.#startedAt);
    const left = Math.min(this.#forMs - ms, (this.#count - seeds) * ms / seeds);
    const parts = [
      `${this.#name}: ${number(seeds)} seeds`,
      `${number(seeds * 60_000 / ms)}/min`,
      `${durationText(virtualMs)} virtual`,
      `${number(failed)} failed`,
      `${durationText(Math.max(0, left))} left`,
    ];
    this.#host.writeError(`\r\x1b[K${parts.join("  ").slice(0, this.#host.columns() - 1)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawnAt !== -Infinity) this.#host.writeError("\r\x1b[K");
  }
}

/** One direction between two machines: how long bytes take, and whether they go through at all. Knows nothing of connections. */
import { Draws } from "../random.ts";
import type { World } from "../world.ts";
import { CHUNK_BYTES_MAX, type NetworkOptions, RETRANSMIT_MS, RETRANSMIT_MS_MAX } from "./options.ts";

/** Bytes on their way over a link, in order. */
export interface Traveller {
  /** The link carries bytes again. @param afterMs until they are sent again. */
  proceed(afterMs: number): void;
  /** The link is as fast as ever again: what was still to come comes now. */
  hurry(): void;
}

/** What a slow link carries comes in pieces, each in at most so many milliseconds. */
const PIECE_MS = 5;
const PIECE_BYTES_MIN = 64;

export class Link {
  readonly name: string;
  readonly draws: Draws;
  readonly #world: World;
  readonly #options: NetworkOptions;
  readonly #baseMs: number;
  /** The cuts that are in force, by the time when they began. */
  readonly #cuts = new Set<{ readonly since: number }>();
  readonly #stalled = new Set<Traveller>();
  readonly #travellers = new Set<Traveller>();
  #bytesPerMs: number;
  #throttles = 0;
  /** When the last byte that was sent has left. */
  #busyUntil = 0;
  #connections = 0;

  constructor(world: World, from: string, to: string, options: NetworkOptions) {
    this.name = `${from}>${to}`;
    this.#world = world;
    this.#options = options;
    this.draws = world.draws(`net/${this.name}`);
    this.#baseMs = from === to ? 0.01 : this.draws.skewed(options.delayMsMin, options.delayMsMax);
    this.#bytesPerMs = options.bytesPerMs;
  }

  /** The stream of draws for one more connection over this link. */
  connectionDraws(): Draws {
    return new Draws(this.#world.seed, `net/${this.name}#${++this.#connections}`);
  }

  get isCut(): boolean {
    return this.#cuts.size > 0;
  }

  /** What is sent at once is at most so large. */
  get pieceBytesMax(): number {
    return Math.max(PIECE_BYTES_MIN, Math.min(CHUNK_BYTES_MAX, Math.floor(this.#bytesPerMs * PIECE_MS)));
  }

  add(traveller: Traveller): void {
    this.#travellers.add(traveller);
  }
  remove(traveller: Traveller): void {
    this.#travellers.delete(traveller);
    this.#stalled.delete(traveller);
  }

  /** How long one packet is under way, without waiting for others. */
  delayMs(draws: Draws): number {
    const ms = this.#baseMs * (1 + draws.float() * this.#options.jitter);
    return draws.chance(this.#options.lossShare) ? ms + draws.skewed(RETRANSMIT_MS, RETRANSMIT_MS_MAX) : ms;
  }

  /** When a packet that is sent now arrives. */
  arrivalAt(bytes: number, draws: Draws): number {
    this.#busyUntil = Math.max(this.#busyUntil, this.#world.now) + bytes / this.#bytesPerMs;
    return this.#busyUntil + this.delayMs(draws);
  }

  cut(forMs: number): void {
    const cut = { since: this.#world.now };
    this.#cuts.add(cut);
    this.#world.after(forMs, "net.mended", null, () => this.#mend(cut));
  }

  throttle(bytesPerMs: number, forMs: number): void {
    this.#throttles++;
    this.#bytesPerMs = Math.min(this.#bytesPerMs, bytesPerMs);
    this.#world.after(forMs, "net.unthrottled", null, () => {
      if (this.#throttles > 0 && --this.#throttles === 0) this.#speedUp();
    });
  }

  heal(): void {
    for (const cut of [...this.#cuts]) this.#mend(cut);
    if (this.#throttles > 0) this.#speedUp();
    this.#throttles = 0;
  }

  /** It goes on when the link carries bytes again. */
  stall(stalled: Traveller): void {
    this.#stalled.add(stalled);
  }

  #speedUp(): void {
    this.#bytesPerMs = this.#options.bytesPerMs;
    this.#busyUntil = Math.min(this.#busyUntil, this.#world.now);
    for (const traveller of this.#travellers) traveller.hurry();
  }

  #mend(cut: { readonly since: number }): void {
    if (!this.#cuts.delete(cut) || this.#cuts.size > 0) return;
    const lastedMs = this.#world.now - cut.since;
    const stalled = [...this.#stalled];
    this.#stalled.clear();
    // TCP doubles its pauses: the next try comes after as much time again, at most.
    for (const each of stalled) each.proceed(this.draws.between(0, Math.min(Math.max(RETRANSMIT_MS, lastedMs), RETRANSMIT_MS_MAX)));
  }
}

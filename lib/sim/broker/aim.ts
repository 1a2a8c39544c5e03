/**
 * Faults that wait for their moment: the next call that the device has to answer, and come while it is under way, or the next answer that tells a client
 * that something was done, and come before anybody can ask again. What is promised before it is durable is lost then, and hardly ever otherwise.
 */
import type { PageCacheDisk } from "../disk/disk.ts";
import type { HistoryEvent } from "../history.ts";
import type { World } from "../world.ts";

/** Without its moment a fault comes all the same, so much later. */
const PATIENCE_MS = 400;
/** The others wait for the device. */
const AT_ANSWER_SHARE = 0.5;

export class Aim {
  readonly #world: World;
  readonly #disk: PageCacheDisk;
  readonly #share: number;
  /** Waits for an answer; one at a time. */
  #atAnswer: (() => void) | null = null;

  /** @param share of the faults that are aimed at all. */
  constructor(world: World, disk: PageCacheDisk, share: number) {
    this.#world = world;
    this.#disk = disk;
    this.#share = share;
  }

  /** Calls `hit` now, or at its moment. */
  at(hit: () => void): void {
    const draws = this.#world.draws("aim");
    if (!draws.chance(this.#share)) return hit();
    if (draws.chance(AT_ANSWER_SHARE)) this.#whenAnswered(hit);
    else this.#whileUnderWay(hit);
  }

  /** A client was told of something. */
  told(event: HistoryEvent): void {
    const hit = this.#atAnswer;
    if (hit === null || !("told" in event) || event.told !== "ok") return;
    this.#atAnswer = null;
    hit();
  }

  #whenAnswered(hit: () => void): void {
    const once = this.#once("fault.atAnswer", hit, () => this.#atAnswer = null);
    // The oracles of this moment come first.
    this.#atAnswer = () => once(0);
  }

  #whileUnderWay(hit: () => void): void {
    const { kernel } = this.#disk;
    const once = this.#once("fault.atCall", hit, () => kernel.aim(null));
    kernel.aim((delayMs) => once(delayMs * this.#world.draws("aim").float()));
  }

  /** @returns what makes it happen after so many milliseconds, unless it was too late for that. */
  #once(kind: string, hit: () => void, giveUp: () => void): (delayMs: number) => void {
    const late = this.#world.after(PATIENCE_MS, kind, null, () => {
      giveUp();
      hit();
    });
    return (delayMs) => {
      late.cancelled = true;
      this.#world.mark(`sim.${kind}`);
      this.#world.after(delayMs, kind, null, hit);
    };
  }
}

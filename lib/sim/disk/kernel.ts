/**
 * The calls of a simulated disk: each takes its time, has its effect whoever still wants to know, and is told to its process if that lives. What
 * is under way when the process or the power ends may happen, in part or whole, or not. Knows no files.
 */
import type { Told } from "../../io/mod.ts";
import type { Draws } from "../random.ts";
import type { EndKind } from "../machine.ts";
import type { Owner, ScheduledEvent, World } from "../world.ts";

export interface Call<T> {
  /** For the trace: a fixed word. */
  readonly kind: string;
  readonly delayMs: number;
  /** Not before this, virtual milliseconds: stalls move it while the call is under way. */
  readonly waitsForDevice: boolean;
  /** What it does and answers. @throws {IoFailed} what it answers instead. */
  readonly effect: () => T;
  /** What it does if it is interrupted; nothing by default. */
  readonly interrupted?: ((draws: Draws, kind: EndKind) => void) | undefined;
}

class UnderWay<T = unknown> {
  readonly call: Call<T>;
  readonly owner: Owner;
  readonly told: Told<T>;
  /** When it would have happened without a stall. */
  readonly dueAt: number;
  event: ScheduledEvent | null = null;

  constructor(owner: Owner, call: Call<T>, told: Told<T>, dueAt: number) {
    this.owner = owner;
    this.call = call;
    this.told = told;
    this.dueAt = dueAt;
  }
}

export class Kernel {
  readonly #world: World;
  /** In the order in which they were called. */
  readonly #underWay = new Set<UnderWay>();
  readonly #stallsUntil: () => number;
  #aimed: ((delayMs: number) => void) | null = null;

  constructor(world: World, stallsUntil: () => number) {
    this.#world = world;
    this.#stallsUntil = stallsUntil;
  }

  call<T>(owner: Owner, call: Call<T>, told: Told<T>): void {
    const { kind, delayMs, waitsForDevice } = call;
    const { now } = this.#world;
    const delay = waitsForDevice ? Math.max(delayMs, this.#stallsUntil() - now) : delayMs;
    const underWay = new UnderWay(owner, call, told, now + delayMs) as UnderWay;
    underWay.event = this.#world.afterWith(delay, kind, null, this.#happen, underWay);
    this.#underWay.add(underWay);
    if (!waitsForDevice || this.#aimed === null) return;
    const aimed = this.#aimed;
    this.#aimed = null;
    aimed(delay);
  }

  /** Tells of the next call that waits for the device, with the milliseconds that it takes; of one at a time. */
  aim(aimed: ((delayMs: number) => void) | null): void {
    this.#aimed = aimed;
  }

  /** The time until which syncs stall has changed: what waits for the device waits for it. */
  restall(): void {
    const { now } = this.#world;
    for (const underWay of this.#underWay) {
      const { call: { kind, waitsForDevice }, dueAt } = underWay;
      if (!waitsForDevice) continue;
      const event = underWay.event!;
      const at = Math.max(dueAt, this.#stallsUntil(), now);
      if (at === event.at) continue;
      event.cancelled = true;
      underWay.event = this.#world.afterWith(at - now, kind, null, this.#happen, underWay);
    }
  }

  end(draws: Draws, kind: EndKind): void {
    for (const { event, call } of this.#underWay) {
      event!.cancelled = true;
      call.interrupted?.(draws, kind);
    }
    this.#underWay.clear();
  }

  readonly #happen = (underWay: UnderWay): void => {
    this.#underWay.delete(underWay);
    const { owner, call, told } = underWay;
    let value: unknown;
    try {
      value = call.effect();
    } catch (error) {
      return this.#answer(owner, () => told.reject(error));
    }
    if (owner.alive && !owner.paused) told.resolve(value);
    else this.#answer(owner, () => told.resolve(value));
  };

  /** A process that is stopped hears of it once it goes on; one that is gone never does. */
  #answer(owner: Owner, answer: () => void): void {
    if (!owner.alive) return;
    if (owner.paused) this.#world.hold("disk.answer", owner, answer);
    else answer();
  }
}

/**
 * The calls of a simulated disk: each takes its time, has its effect whoever still wants to know, and is told to its process if that lives. What
 * is under way when the process or the power ends may happen, in part or whole, or not. Knows no files.
 */
import type { Draws } from "../random.ts";
import type { EndKind } from "../machine.ts";
import { INSTANT_MS, type Owner, type ScheduledEvent, type World } from "../world.ts";

export interface Call<T> {
  /** For the trace: a fixed word. */
  readonly kind: string;
  readonly delayMs: number;
  /** Not before this, virtual milliseconds: stalls move it while the call is under way. */
  readonly waitsForDevice: boolean;
  /** What it does and answers. @throws {IoFailed} what it answers instead. */
  readonly effect: () => T;
  /** What it does if it is interrupted; nothing by default. */
  readonly interrupted?: (draws: Draws, kind: EndKind) => void;
}

interface UnderWay {
  readonly waitsForDevice: boolean;
  readonly happen: () => void;
  readonly interrupted: ((draws: Draws, kind: EndKind) => void) | undefined;
  event: ScheduledEvent;
  /** When it would have happened without a stall. */
  readonly dueAt: number;
}

export class Kernel {
  readonly #world: World;
  /** In the order in which they were called. */
  readonly #underWay = new Set<UnderWay>();
  readonly #stallsUntil: () => number;

  constructor(world: World, stallsUntil: () => number) {
    this.#world = world;
    this.#stallsUntil = stallsUntil;
  }

  call<T>(owner: Owner, { kind, delayMs, waitsForDevice, effect, interrupted }: Call<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const happen = (): void => {
        this.#underWay.delete(call);
        let answer: () => void;
        try {
          const value = effect();
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error);
        }
        this.#world.after(INSTANT_MS, "disk.answer", owner, answer);
      };
      const dueAt = this.#world.now + delayMs;
      const delay = waitsForDevice ? Math.max(delayMs, this.#stallsUntil() - this.#world.now) : delayMs;
      const event = this.#world.after(delay, kind, null, happen);
      const call: UnderWay = { waitsForDevice, happen, interrupted, event, dueAt };
      this.#underWay.add(call);
    });
  }

  /** The time until which syncs stall has changed: what waits for the device waits for it. */
  restall(): void {
    const { now } = this.#world;
    for (const call of this.#underWay) {
      if (!call.waitsForDevice) continue;
      const at = Math.max(call.dueAt, this.#stallsUntil(), now);
      if (at === call.event.at) continue;
      call.event.cancelled = true;
      call.event = this.#world.after(at - now, call.event.kind, null, call.happen);
    }
  }

  end(draws: Draws, kind: EndKind): void {
    for (const { event, interrupted } of this.#underWay) {
      event.cancelled = true;
      interrupted?.(draws, kind);
    }
    this.#underWay.clear();
  }
}

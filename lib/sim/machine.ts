/**
 * A machine of the simulated world: a disk and an address that outlive the process on it, a clock that drifts and jumps, and at most one
 * process at a time. A process is an incarnation: once it is gone, nothing that it started comes back, and nothing that it calls has an effect.
 */
import { type Clock, createCpu, createDeadlines, type Io, type Timer, type Timers } from "../io/mod.ts";
import type { SimDisk } from "./disk/types.ts";
import type { SimNet } from "./net/types.ts";
import type { Draws } from "./random.ts";
import { type Owner, type ScheduledEvent, type World } from "./world.ts";

/** `process`: what was written stays, connections are reset. `power`: what was not synced is lost or torn, peers hear nothing. */
export type EndKind = "process" | "power";

/** A timer is never early; the operating system is a little late. */
const TIMER_LATE_MS = 0.5;
const FIRST_WALL_MS = 1_700_000_000_000;

export class Incarnation implements Owner {
  readonly id: number;
  readonly machine: string;
  #alive = true;
  #held: ScheduledEvent[] | null = null;

  constructor(id: number, machine: string) {
    this.id = id;
    this.machine = machine;
  }

  get alive(): boolean {
    return this.#alive;
  }
  get paused(): boolean {
    return this.#held !== null;
  }

  hold(event: ScheduledEvent): void {
    this.#held!.push(event);
  }

  pause(): void {
    this.#held ??= [];
  }
  /** What came meanwhile, in the order in which it came. */
  resume(): readonly ScheduledEvent[] {
    const held = this.#held ?? [];
    this.#held = null;
    return held;
  }

  end(): void {
    this.#alive = false;
    this.#held = null;
  }
}

/** How the process ended by its own will. */
export interface Exit {
  readonly code: number;
  readonly why: string;
}

export class Machine {
  readonly name: string;
  readonly clock: MachineClock;
  readonly disk: SimDisk;
  readonly #world: World;
  readonly #net: SimNet;
  #process: Incarnation | null = null;
  #incarnations = 0;
  /** Called when the process ends itself (`Io.fatal`). */
  onExit: (exit: Exit) => void = () => {};

  constructor(world: World, name: string, disk: SimDisk, net: SimNet) {
    this.#world = world;
    this.name = name;
    this.disk = disk;
    this.#net = net;
    this.clock = new MachineClock(world);
  }

  /** Null while nothing runs here. */
  get process(): Incarnation | null {
    return this.#process;
  }

  /** A new process: its view of the world. The one before must have ended. */
  start(): Io {
    if (this.#process !== null) throw new Error(`A process runs on ${this.name} already`);
    const world = this.#world;
    const incarnation = this.#process = new Incarnation(++this.#incarnations + 1000 * machineNumber(this.name), this.name);
    const timers = timersOf(world, incarnation, this.clock);
    const deadlines = createDeadlines(this.clock, timers);
    const generation = this.#incarnations;
    return {
      clock: this.clock,
      timers,
      random: (stream) => world.draws(`${this.name}.${generation}/${stream}`),
      disk: this.disk.mount(incarnation, deadlines),
      net: this.#net.attach(incarnation, this.name, deadlines),
      cpu: createCpu(deadlines),
      deadlines,
      fatal: (code, why) => {
        if (this.#process !== incarnation) return;
        world.trace.add("exit", world.now, incarnation.id, code);
        this.end("process");
        this.onExit({ code, why });
      },
      mark: (name) => world.mark(name),
    };
  }

  /** Ends the process, if there is one; with `power`, the disk loses what it had not made durable. */
  end(kind: EndKind): void {
    const incarnation = this.#process;
    if (incarnation !== null) {
      incarnation.end();
      this.#process = null;
      this.#net.detach(incarnation, kind);
    }
    this.disk.end(kind);
  }

  /** SIGSTOP: the process does nothing, the machine goes on. */
  pause(): void {
    this.#process?.pause();
  }

  /** SIGCONT: what came meanwhile is delivered now, sometimes the timers first, as event loops do. */
  resume(): void {
    const held = this.#process?.resume() ?? [];
    const timersFirst = this.#world.draws(`${this.name}/resume`).chance(0.5);
    const ordered = timersFirst ? [...held.filter(isTimer), ...held.filter((event) => !isTimer(event))] : held;
    for (const event of ordered) {
      if (!event.cancelled) this.#world.again(event);
    }
  }
}

const isTimer = ({ kind }: ScheduledEvent): boolean => kind === "timer";

function machineNumber(name: string): number {
  const digits = /\d+$/.exec(name);
  return digits === null ? 900 : Number(digits[0]);
}

/** Two clocks: the monotonic one may run fast or slow, the wall clock also jumps. */
export class MachineClock implements Clock {
  readonly #world: World;
  #rate = 1;
  #since = 0;
  #base = 0;
  #wallOffset = 0;

  constructor(world: World) {
    this.#world = world;
  }

  mono(): number {
    return this.#base + (this.#world.now - this.#since) * this.#rate;
  }
  wall(): number {
    return Math.floor(FIRST_WALL_MS + this.#wallOffset + this.mono());
  }

  /** 1.01: a hundredth too fast. */
  drift(rate: number): void {
    this.#base = this.mono();
    this.#since = this.#world.now;
    this.#rate = rate;
  }
  /** Of the wall clock only, forwards or backwards. */
  jump(deltaMs: number): void {
    this.#wallOffset += deltaMs;
  }

  /** How long the world goes on until `ms` have passed on this clock. */
  worldMs(ms: number): number {
    return ms / this.#rate;
  }
}

function timersOf(world: World, owner: Incarnation, clock: MachineClock): Timers {
  const late = world.draws(`${owner.machine}/timers`);
  return {
    after: (delayMs, fire) => new MachineTimer(world, owner, clock, late, Math.max(0, delayMs), fire),
    soon: (fire) => void world.after(late.float() * 0.02, "soon", owner, fire),
  };
}

class MachineTimer implements Timer {
  readonly #world: World;
  readonly #owner: Incarnation;
  readonly #clock: MachineClock;
  readonly #late: Draws;
  readonly #fire: () => void;
  readonly #dueAt: number;
  #event: ScheduledEvent;

  constructor(world: World, owner: Incarnation, clock: MachineClock, late: Draws, delayMs: number, fire: () => void) {
    this.#world = world;
    this.#owner = owner;
    this.#clock = clock;
    this.#late = late;
    this.#fire = fire;
    this.#dueAt = clock.mono() + delayMs;
    this.#event = this.#arm(delayMs);
  }

  cancel(): void {
    this.#event.cancelled = true;
  }

  #arm(ms: number): ScheduledEvent {
    const delayMs = this.#clock.worldMs(ms) + this.#late.float() * TIMER_LATE_MS;
    return this.#world.afterWith(delayMs, "timer", this.#owner, MachineTimer.#expire, this);
  }

  static #expire(this: void, timer: MachineTimer): void {
    // A clock that was slowed down meanwhile would make it early: then it waits for the rest.
    const left = timer.#dueAt - timer.#clock.mono();
    if (left > 0) timer.#event = timer.#arm(left);
    else timer.#fire();
  }
}

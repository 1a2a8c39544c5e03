/**
 * One broker and who watches over it: starts it as the executable does, again after every end, and knows which ends the faults explain. An end
 * or a refusal that nothing explains is a violation.
 */
import { DeadlineExceeded, IoFailed } from "../../io/mod.ts";
import { NodeSettings } from "../../config/mod.ts";
import { type NodeTuning, type RunningNode, startNode } from "../../node.ts";
import { CorruptLog, DataDirectoryRefused, StorageFenced } from "../../storage/mod.ts";
import type { ProcessMeter } from "../../admin/mod.ts";
import type { Exit, Incarnation, Machine } from "../machine.ts";
import type { DiskFault, ProcessFault } from "../plan.ts";
import { Excuses, PATIENCE_MS } from "./excuses.ts";
import type { World } from "../world.ts";
import { Books } from "./books.ts";

const DIRECTORY = "data";
/** A supervisor waits between two tries. */
const RESTART_MS_MIN = 20;
const RESTART_MS_MAX = 1_000;
/** As long as the executable gives itself, and what a supervisor gives it on top. */
const STOP_MS = 10_000;
const STOP_PATIENCE_MS = PATIENCE_MS;
/** Between two looks at what it holds. */
const AUDIT_MS = 200;

export class SupervisedNode {
  readonly machine: Machine;
  readonly #world: World;
  readonly #settings: ReadonlyMap<string, string>;
  readonly #tuning: NodeTuning;
  readonly #books: Books;
  #running: RunningNode | null = null;
  #stopping: Incarnation | null = null;
  /** Not to be started before this. */
  #downUntil = 0;
  readonly #excuses = new Excuses();
  /** Bits of what is durable have flipped. */
  #isDamaged = false;
  #isGivenUp = false;
  #starts = 0;
  #exits = 0;

  /** @param settings as `loadSettings` has checked them. */
  constructor(world: World, machine: Machine, settings: ReadonlyMap<string, string>, tuning: NodeTuning) {
    this.#world = world;
    this.machine = machine;
    this.#settings = settings;
    this.#tuning = tuning;
    this.#books = new Books(new NodeSettings(settings), tuning);
    machine.onExit = (exit) => this.#onExit(exit);
    this.#audit();
  }

  /** Times that it came to serve, and times that it ended itself. */
  get starts(): number {
    return this.#starts;
  }
  get exits(): number {
    return this.#exits;
  }
  /** Null while it does not serve. */
  get running(): RunningNode | null {
    return this.#running;
  }
  /** What is on its disk is damaged, and it refuses to start with it. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }
  get isServing(): boolean {
    return this.#running !== null;
  }
  get isSettled(): boolean {
    return this.isServing && this.#stopping === null;
  }

  start(): void {
    if (this.machine.process !== null) return;
    if (this.#world.now < this.#downUntil) return this.#startAfter(this.#downUntil - this.#world.now);
    const io = this.machine.start();
    const process = this.machine.process;
    startNode({
      io,
      config: new NodeSettings(this.#settings),
      directory: DIRECTORY,
      inMemory: false,
      meter: NO_METER,
      tuning: this.#tuning,
    }).then(
      (node) => {
        if (process !== this.machine.process) return;
        this.#running = node;
        this.#starts++;
      },
      (error: unknown) => {
        if (process === this.machine.process) this.#onRefused(error);
      },
    );
  }

  /** The process ends in order; when it has, it is started again. */
  stop(forMs: number): void {
    const node = this.#running;
    const process = this.machine.process;
    if (node === null || process === null || this.#stopping !== null) return;
    this.#stopping = process;
    const ended = (): void => {
      if (this.machine.process === process) this.#end("process", forMs);
    };
    node.stop(STOP_MS).then(ended, (error: unknown) => {
      if (this.machine.process !== process) return;
      if (!this.#excuses.explain(textOf(error), this.#world.now)) this.#world.fail(`The node could not stop in order: ${textOf(error)}`);
      ended();
    });
    this.#world.after(STOP_PATIENCE_MS, "node.impatient", null, () => {
      if (this.machine.process !== process) return;
      if (!this.#excuses.isSlow(this.#world.now)) this.#world.fail(`The node did not stop in ${STOP_PATIENCE_MS} ms`);
      ended();
    });
  }

  apply(fault: ProcessFault): void {
    const { machine } = this;
    const { clock } = machine;
    switch (fault.kind) {
      case "kill":
        return this.#end("process", fault.forMs);
      case "powerLoss":
        return this.#end("power", fault.forMs);
      case "stop":
        return this.stop(fault.forMs);
      case "pause": {
        const process = machine.process;
        machine.pause();
        // What waited for too short a time when it goes on may give up.
        this.#excuses.add("pause", this.#world.now, fault.forMs);
        this.#world.after(fault.forMs, "node.continues", null, () => {
          if (machine.process === process) machine.resume();
        });
        return;
      }
      case "wallJump":
        return clock.jump(fault.deltaMs);
      case "drift":
        clock.drift(fault.rate);
        this.#world.after(fault.forMs, "node.clock", null, () => clock.drift(1));
    }
  }

  /** A fault of the disk is in force, or will be met by the next call. */
  disturb(fault: DiskFault): void {
    if (fault.kind === "bitRot") this.#isDamaged = true;
    this.#excuses.add(fault.kind, this.#world.now, "forMs" in fault ? fault.forMs : Infinity);
  }

  /** Nothing excuses anything any more, for a process that begins now. */
  heal(): void {
    this.machine.resume();
    this.machine.clock.drift(1);
    this.#excuses.heal(this.#world.now);
    this.#downUntil = this.#world.now;
    this.start();
  }

  #audit(): void {
    this.#world.after(AUDIT_MS, "node.audit", null, () => {
      if (this.#running !== null) this.#books.check(this.#running);
      this.#audit();
    });
  }

  #end(kind: "process" | "power", forMs: number): void {
    this.machine.end(kind);
    this.#running = null;
    this.#stopping = null;
    this.#downUntil = Math.max(this.#downUntil, this.#world.now + forMs);
    this.#startAfter(this.#downUntil - this.#world.now);
  }

  #startAfter(ms: number): void {
    this.#world.after(ms, "node.start", null, () => this.start());
  }

  #onExit({ code, why }: Exit): void {
    this.#exits++;
    if (!this.#excuses.explainExit(code, why, this.#world.now)) this.#world.fail(`The node ended itself with ${code}: ${why}`);
    this.#backOff();
  }

  #onRefused(error: unknown): void {
    if (this.#isDamaged && (error instanceof DataDirectoryRefused || error instanceof CorruptLog)) {
      // For good: nobody mends it.
      this.#world.mark("sim.damage_refused");
      this.#isGivenUp = true;
      return this.machine.end("process");
    }
    const isExplained = isOfTheMachine(error) && this.#excuses.explain(messageOf(error), this.#world.now);
    if (!isExplained) this.#world.fail(`The node refused to start: ${textOf(error)}`);
    this.machine.end("process");
    this.#backOff();
  }

  #backOff(): void {
    this.#running = null;
    this.#stopping = null;
    this.#startAfter(this.#world.draws("supervisor").skewed(RESTART_MS_MIN, RESTART_MS_MAX));
  }
}

/** Says that the disk did not do what it was told, and not that what is on it makes no sense. */
function isOfTheMachine(error: unknown): boolean {
  if (error instanceof DataDirectoryRefused) {
    return error.cause instanceof IoFailed && (error.cause.code === "EIO" || error.cause.code === "ENOSPC");
  }
  return error instanceof IoFailed || error instanceof StorageFenced || error instanceof DeadlineExceeded;
}

/** A simulated machine's process has no numbers of its own. */
const NO_METER: ProcessMeter = {
  runtime: "simulated",
  startSeconds: 0,
  residentBytes: () => 0,
  heapBytes: () => 0,
  cpuSeconds: () => 0,
  openFiles: () => 0,
  openFilesMax: () => 0,
  close() {},
};

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);
const textOf = (error: unknown): string => error instanceof Error ? error.stack ?? error.message : String(error);

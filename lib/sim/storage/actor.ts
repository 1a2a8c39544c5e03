/** What every workload of this tier shares: it acts in turns of the process that serves, waits while there is none, and stops when told. */
import type { Draws } from "../random.ts";
import type { Serving, StorageRun, Workload } from "./run.ts";
import type { Knobs } from "./settings.ts";

export abstract class Actor implements Workload {
  protected readonly run: StorageRun;
  protected readonly draws: Draws;
  protected node: Serving | null = null;
  /** Operations that may still be begun. */
  protected left: number;
  protected isFinishing = false;
  readonly #kind: string;
  readonly #thinkMs: number;

  constructor(run: StorageRun, kind: string, name: string, operations: number, knobs: Knobs) {
    this.run = run;
    this.draws = run.world.draws(`${kind}/${name}`);
    this.left = operations;
    this.#kind = kind;
    this.#thinkMs = knobs["thinkMs"] ?? 20;
  }

  started(node: Serving): void {
    this.node = node;
    this.resumed();
    this.again();
  }

  ended(): void {
    this.node = null;
    this.lost();
  }

  finish(): void {
    this.isFinishing = true;
    this.left = 1;
  }

  get isDone(): boolean {
    return this.isFinishing && this.left === 0 && !this.isBusy;
  }

  /** Something is under way. */
  protected abstract readonly isBusy: boolean;
  /** Begins what it wants to begin now; answers with the milliseconds until it wants to look again. */
  protected abstract act(node: Serving): number | void;
  /** A process serves again. */
  protected resumed(): void {}
  /** The process is gone. */
  protected lost(): void {}

  /** The next turn, after some thought or after `delayMs`. */
  protected again(delayMs = this.#thinkMs * 2 * this.draws.float()): void {
    const { node } = this;
    if (node === null) return;
    this.run.world.after(delayMs, this.#kind, node.incarnation, () => {
      if (this.node !== node) return;
      this.again(this.act(node) ?? undefined);
    });
  }

  /** @see StorageRun.watch */
  protected watch<T>(node: Serving, work: Promise<T>, done: (value: T) => void, failed: (error: Error) => void): void {
    this.run.watch(node.incarnation, work, done, failed);
  }
}

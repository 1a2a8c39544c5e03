/** A machine without a network in a world of its own: what is started on it runs in virtual time, and ends when its process or the power does. */
import type { Disk, Io, Net } from "../../lib/io/mod.ts";
import { type Exit, Machine, PageCacheDisk, type SimNet, World } from "../../lib/sim/mod.ts";
import type { EndKind } from "../../lib/sim/machine.ts";

const nowhere = (): never => {
  throw new Error("There is no network here");
};
const NO_NET: Net = { listen: nowhere, dial: nowhere, listenHttp: nowhere };
const UNPLUGGED: SimNet = { attach: () => NO_NET, detach() {}, apply: nowhere, heal() {} };

export class OneMachine {
  readonly world: World;
  readonly disk: PageCacheDisk;
  readonly machine: Machine;
  /** How the process ended by its own will. */
  exit: Exit | null = null;

  constructor(seed: number) {
    this.world = new World(seed);
    this.disk = new PageCacheDisk(this.world, "1");
    this.machine = new Machine(this.world, "node1", this.disk, UNPLUGGED);
    this.machine.onExit = (exit) => this.exit = exit;
  }

  /** A new process. @param seen what it is to see instead of the disk. */
  start(seen: (disk: Disk) => Disk = (disk) => disk): Io {
    this.exit = null;
    const io = this.machine.start();
    return { ...io, disk: seen(io.disk) };
  }

  end(kind: EndKind): void {
    this.machine.end(kind);
  }

  /** Until `work` comes to its end, or the process to its own. @returns null for the latter. @throws what `work` throws. */
  run<T>(work: Promise<T>, withinMs = 600_000): { readonly value: T } | null {
    let value: { readonly value: T } | null = null;
    let failed: { readonly error: unknown } | null = null;
    work.then((result) => value = { value: result }, (error: unknown) => failed = { error });
    this.world.run(this.world.now + withinMs, () => value !== null || failed !== null || this.machine.process === null);
    if (this.world.violation !== null) throw this.world.violation;
    const { error } = (failed ?? {}) as { readonly error?: unknown };
    if (failed !== null) throw error;
    if (value === null && this.machine.process !== null) throw new Error(`Waits for more than ${withinMs} ms`);
    return value;
  }
}

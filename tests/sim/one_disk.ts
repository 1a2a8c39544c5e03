/** One disk in a world of its own, used by one process at a time. */
import { type Clock, createDeadlines, type Deadline, type Deadlines, type Disk, type DiskFile } from "../../lib/io/mod.ts";
import { type DiskFault, PageCacheDisk, type PageCacheDiskOptions, World } from "../../lib/sim/mod.ts";
import type { EndKind } from "../../lib/sim/machine.ts";

class Process {
  alive = true;
  readonly paused = false;
  constructor(readonly id: number) {}
  hold(): void {
    throw new Error("It is never paused");
  }
}

export class OneDisk {
  readonly world: World;
  readonly sim: PageCacheDisk;
  #process = new Process(1);
  #deadlines: Deadlines;
  disk: Disk;

  constructor(seed: number, options?: PageCacheDiskOptions) {
    this.world = new World(seed);
    this.sim = new PageCacheDisk(this.world, "test", options);
    [this.#deadlines, this.disk] = this.#mount();
  }

  /** What is waited for inside must be this disk. @throws what `work` throws, or that it waits for ever. */
  run<T>(work: (disk: Disk) => Promise<T>, withinMs = 60_000): T {
    let outcome: { readonly value: T } | { readonly error: unknown } | null = null;
    work(this.disk).then((value) => outcome = { value }, (error: unknown) => outcome = { error });
    this.world.run(this.world.now + withinMs, () => outcome !== null);
    if (this.world.violation !== null) throw this.world.violation;
    const ended = outcome as { readonly value: T } | { readonly error: unknown } | null;
    if (ended === null) throw new Error(`Waits for more than ${withinMs} ms`);
    if ("error" in ended) throw ended.error;
    return ended.value;
  }

  /** Asks, and does not wait. @returns how it came out, once the world has gone on. */
  ask<T>(work: Promise<T>): { told: "nothing" | "ok" | "failed"; error: unknown } {
    const asked: { told: "nothing" | "ok" | "failed"; error: unknown } = { told: "nothing", error: null };
    work.then(() => asked.told = "ok", (error: unknown) => {
      asked.told = "failed";
      asked.error = error;
    });
    return asked;
  }

  pass(ms: number): void {
    this.world.run(this.world.now + ms);
  }

  /** The process or the power ends, and a new process starts. */
  crash(kind: EndKind): void {
    this.#process.alive = false;
    this.sim.end(kind);
    this.#process = new Process(this.#process.id + 1);
    [this.#deadlines, this.disk] = this.#mount();
  }

  apply(fault: Omit<DiskFault, "at" | "node"> & Record<string, unknown>): void {
    this.sim.apply({ at: this.world.now, node: 1, ...fault } as DiskFault);
  }

  soon(ms = 30_000): Deadline {
    return this.#deadlines.in("test", ms);
  }

  open(path: string, mode: "read" | "write" | "create" | "exclusive" = "create", durableWrites = false): DiskFile {
    return this.run((disk) => disk.open(path, { mode, durableWrites }, this.soon()));
  }

  write(file: DiskFile, bytes: Uint8Array | string, offset = 0): void {
    this.run(() => file.write([typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes], offset, this.soon()));
  }

  sync(file: DiskFile): void {
    this.run(() => file.sync(this.soon()));
  }

  syncDirectory(path = "/"): void {
    this.run((disk) => disk.syncDirectory(path, this.soon()));
  }

  /** Null: there is no such file. */
  content(path: string): Uint8Array | null {
    const there = this.run((disk) => disk.list(path.slice(0, path.lastIndexOf("/")) || "/", this.soon()));
    if (!there.some(({ name }) => name === path.slice(path.lastIndexOf("/") + 1))) return null;
    const file = this.open(path, "read");
    const size = this.run(() => file.size(this.soon()));
    const into = new Uint8Array(size);
    this.run(() => file.read(into, 0, this.soon()));
    this.run(() => file.close(this.soon()));
    return into;
  }

  text(path: string): string | null {
    const content = this.content(path);
    return content === null ? null : new TextDecoder().decode(content);
  }

  #mount(): [Deadlines, Disk] {
    const clock: Clock = { mono: () => this.world.now, wall: () => Math.floor(this.world.now) };
    const owner = this.#process;
    const deadlines = createDeadlines(clock, {
      after: (delayMs, fire) => {
        const event = this.world.after(delayMs, "timer", owner, fire);
        return { cancel: () => void (event.cancelled = true) };
      },
      soon: (fire) => void this.world.after(0, "soon", owner, fire),
    });
    return [deadlines, this.sim.mount(owner, deadlines)];
  }
}

/**
 * A disk of the simulated world with a page cache before it: what is written is read at once, and durable once it was synced. How long calls
 * take, what a crash leaves and what a fault does is drawn from the world's streams of this disk.
 */
import { type Deadlines, type Disk, IoFailed, SyncGate } from "../../io/mod.ts";
import type { EndKind } from "../machine.ts";
import type { DiskFault } from "../plan.ts";
import type { Draws } from "../random.ts";
import type { Owner, World } from "../world.ts";
import { firstBytes, lengthOf } from "./chunks.ts";
import { DiskFaults } from "./faults.ts";
import type { SimFile } from "./file.ts";
import { Kernel } from "./kernel.ts";
import { Marks } from "./marks.ts";
import { type Mounted, SimMount } from "./mount.ts";
import { Names } from "./names.ts";
import type { SimDisk } from "./types.ts";

export interface PageCacheDiskOptions {
  readonly capacityBytes?: number;
  /** How long a sync takes, milliseconds: mostly near the first, sometimes up to the second. */
  readonly syncMs?: readonly [usual: number, rare: number];
  /** Which files bits flip in, by their paths; all of them when absent. */
  readonly rots?: (path: string) => boolean;
}

const CAPACITY_BYTES = 16 * 1024 * 1024 * 1024;
const SYNC_MS = [0.2, 8] as const;
/** Room is taken in blocks. */
const BLOCK_BYTES = 4096;
/** A call that no device has to wait for. */
const CALL_MS = 0.03;
const BYTES_PER_MS = 1_000_000;

export class PageCacheDisk implements SimDisk, Mounted {
  readonly world: World;
  readonly faults = new DiskFaults();
  readonly kernel: Kernel;
  readonly names: Names;
  readonly capacityBytes: number;
  readonly #name: string;
  readonly #syncMs: readonly [number, number];
  readonly #delays: Draws;
  readonly #syncErrors: Draws;
  readonly #rots: (path: string) => boolean;
  readonly #marks = new Marks();
  readonly #locks = new Set<string>();
  /** Files whose content the loss of power could change. */
  readonly #unsettled = new Set<SimFile>();
  #mounted: SimMount | null = null;
  #usedBytes = 0;
  #ends = 0;

  constructor(
    world: World,
    name: string,
    { capacityBytes = CAPACITY_BYTES, syncMs = SYNC_MS, rots = () => true }: PageCacheDiskOptions = {},
  ) {
    this.#rots = rots;
    this.world = world;
    this.#name = name;
    this.capacityBytes = capacityBytes;
    this.#syncMs = syncMs;
    this.#delays = world.draws(`disk/${name}/delay`);
    this.#syncErrors = world.draws(`disk/${name}/syncError`);
    this.kernel = new Kernel(world, () => this.faults.stallsUntil);
    this.names = new Names((file) => this.unused(file));
  }

  mount(owner: Owner, deadlines: Deadlines): Disk {
    return this.#mounted = new SimMount(this, owner, deadlines, new SyncGate(deadlines));
  }

  /** Of files that the process on this machine has open. */
  get openPaths(): readonly string[] {
    return this.#mounted?.openPaths ?? [];
  }

  end(kind: EndKind): void {
    const draws = this.world.draws(`disk/${this.#name}/${kind}/${++this.#ends}`);
    this.kernel.end(draws, kind);
    this.#locks.clear();
    this.#mounted?.end();
    this.#mounted = null;
    if (kind === "power") this.#losePower(draws);
  }

  apply(fault: DiskFault): void {
    this.faults.apply(fault, this.world.now);
    this.world.mark(`disk.${fault.kind}`);
    if (fault.kind === "syncStalls") this.kernel.restall();
    if (fault.kind === "bitRot") this.#rot();
  }

  heal(): void {
    this.faults.heal();
    this.kernel.restall();
  }

  isDurable(mark: string): boolean {
    return this.#marks.isDurable(mark, (file) => this.names.isDurable(file));
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }
  get freeBytes(): number {
    return this.faults.full(this.world.now) ? 0 : Math.max(0, this.capacityBytes - this.#usedBytes);
  }

  /** How long a call takes that moves so many bytes, and waits for the device or not. */
  delayMs(bytes: number, waitsForDevice: boolean): number {
    const device = waitsForDevice ? this.#delays.skewed(...this.#syncMs) : 0;
    return (device + CALL_MS * (0.2 + this.#delays.float()) + bytes / BYTES_PER_MS) * this.faults.slowness(this.world.now);
  }

  /** What a sync that fails says. File systems that find room only then say ENOSPC, and have dropped the pages all the same. */
  syncError(): "EIO" | "ENOSPC" {
    return this.#syncErrors.chance(0.25) ? "ENOSPC" : "EIO";
  }

  /** @throws {IoFailed} `ENOSPC` when there is no room for all of it; the pages that had room are written then, as kernels do. */
  write(file: SimFile, chunks: readonly Uint8Array[], offset: number, path: string): void {
    const length = lengthOf(chunks);
    if (length === 0) return;
    const grows = blocksOf(offset + length) - blocksOf(file.size);
    const room = grows > 0 ? this.freeBytes : Infinity;
    const fits = grows * BLOCK_BYTES <= room;
    const end = fits ? offset + length : (blocksOf(file.size) + Math.floor(room / BLOCK_BYTES)) * BLOCK_BYTES;
    const written = fits ? chunks : firstBytes(chunks, end - offset);
    this.#resizing(file, () => file.write(written, offset));
    this.#marks.written(file, written, offset);
    this.touched(file);
    if (!fits) throw new IoFailed("write", path, "ENOSPC");
  }

  truncate(file: SimFile, size: number): void {
    this.#resizing(file, () => file.truncate(size));
    this.touched(file);
  }

  /** Its content has changed, or has become durable. */
  touched(file: SimFile): void {
    if (file.isSettled) this.#unsettled.delete(file);
    else this.#unsettled.add(file);
  }

  /** A name or a handle of it is gone. */
  unused(file: SimFile): void {
    if (file.names === 0 && file.handles === 0) this.#usedBytes -= blocksOf(file.size) * BLOCK_BYTES;
  }

  /** @throws {IoFailed} `EWOULDBLOCK`. */
  lock(key: string, path: string): void {
    if (this.#locks.has(key)) throw new IoFailed("lock", path, "EWOULDBLOCK");
    this.#locks.add(key);
  }
  unlock(key: string): void {
    this.#locks.delete(key);
  }

  #resizing(file: SimFile, change: () => void): void {
    const before = blocksOf(file.size);
    change();
    this.#usedBytes += (blocksOf(file.size) - before) * BLOCK_BYTES;
  }

  #losePower(draws: Draws): void {
    const garbage = draws.chance(0.3);
    const files = this.names.lose(draws);
    let torn = 0;
    for (const file of this.#unsettled) torn += file.lose(draws, { garbage });
    this.#unsettled.clear();
    this.#usedBytes = 0;
    for (const file of files) this.#usedBytes += blocksOf(file.size) * BLOCK_BYTES;
    this.world.trace.add("disk.lost", this.world.now, this.#ends, torn);
    if (torn > 0) this.world.mark("disk.torn");
  }

  #rot(): void {
    const draws = this.world.draws(`disk/${this.#name}/rot`);
    const files = [...this.names.files()].filter(([path, file]) => file.durableSize > 0 && this.#rots(path));
    if (files.length === 0) return;
    const [, file] = draws.pick(files);
    this.world.trace.add("disk.rot", this.world.now, 0, file.rot(draws));
  }
}

const blocksOf = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES);

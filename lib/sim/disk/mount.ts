/**
 * A simulated disk as one process sees it: the calls of `Disk`, guarded by their deadlines as on the real one. What is asked for after the
 * process has ended does not happen and is never answered.
 */
import {
  type Deadline,
  type Deadlines,
  type DirectoryEntry,
  type Disk,
  type DiskFile,
  IoFailed,
  type Late,
  type OpenOptions,
  type SyncGate,
} from "../../io/mod.ts";
import type { Owner, World } from "../world.ts";
import { firstBytes, lengthOf } from "./chunks.ts";
import type { DiskFaults } from "./faults.ts";
import type { SimFile } from "./file.ts";
import type { Call, Kernel } from "./kernel.ts";
import { type Names, partsOf } from "./names.ts";

/** What a mount needs of its disk. */
export interface Mounted {
  readonly world: World;
  readonly faults: DiskFaults;
  readonly kernel: Kernel;
  readonly names: Names;
  readonly capacityBytes: number;
  readonly freeBytes: number;
  delayMs(bytes: number, waitsForDevice: boolean): number;
  syncError(): "EIO" | "ENOSPC";
  write(file: SimFile, chunks: readonly Uint8Array[], offset: number, path: string): void;
  truncate(file: SimFile, size: number): void;
  touched(file: SimFile): void;
  unused(file: SimFile): void;
  lock(key: string, path: string): void;
  unlock(key: string): void;
}

export class SimMount implements Disk {
  readonly disk: Mounted;
  readonly #owner: Owner;
  readonly #deadlines: Deadlines;
  readonly #gate: SyncGate;
  readonly #handles = new Set<SimHandle>();

  constructor(disk: Mounted, owner: Owner, deadlines: Deadlines, gate: SyncGate) {
    this.disk = disk;
    this.#owner = owner;
    this.#deadlines = deadlines;
    this.#gate = gate;
  }

  open(path: string, { mode, durableWrites }: OpenOptions, deadline: Deadline): Promise<DiskFile> {
    const opened = (): SimHandle => {
      const file = this.disk.names.open(path, mode);
      const handle = new SimHandle(this, path, file, mode !== "read", durableWrites === true);
      this.#handles.add(handle);
      return handle;
    };
    const create = mode === "read" || mode === "write" ? undefined : () => this.disk.names.open(path, mode);
    // Opened too late: nobody will ever close it but us.
    return this.quick("disk.open", path, deadline, opened, create, (late) => "ok" in late && late.ok.free());
  }

  list(path: string, deadline: Deadline): Promise<readonly DirectoryEntry[]> {
    return this.quick("disk.list", path, deadline, () => this.disk.names.list(path));
  }

  makeDirectory(path: string, deadline: Deadline): Promise<void> {
    const make = () => this.disk.names.makeDirectory(path);
    return this.quick("disk.makeDirectory", path, deadline, make, make);
  }

  rename(from: string, to: string, deadline: Deadline): Promise<void> {
    const rename = () => this.disk.names.rename(from, to);
    return this.quick("disk.rename", from, deadline, rename, rename);
  }

  removeFile(path: string, deadline: Deadline): Promise<void> {
    const remove = () => this.disk.names.removeFile(path);
    return this.quick("disk.remove", path, deadline, remove, remove);
  }

  removeDirectory(path: string, deadline: Deadline): Promise<void> {
    return this.call(path, deadline, {
      kind: "disk.removeDirectory",
      delayMs: this.disk.delayMs(0, false),
      waitsForDevice: false,
      effect: () => this.disk.names.removeDirectory(path),
      interrupted: (draws) => this.disk.names.removeDirectory(path, draws.below(4)),
    });
  }

  syncDirectory(path: string, deadline: Deadline): Promise<void> {
    const { names, faults, world } = this.disk;
    return this.waiting(path, deadline, () => {
      const directory = names.find(path);
      const { order } = names;
      const end = (): void => {
        if (!faults.lies(world.now)) names.endSync(directory!, order);
      };
      return {
        kind: "disk.syncDirectory",
        // It is opened first.
        delayMs: this.disk.delayMs(0, false) + this.disk.delayMs(0, true),
        waitsForDevice: true,
        effect: () => {
          if (directory === null) throw new IoFailed("sync directory", path, "ENOENT");
          // Names are in a journal that is written in order: unlike pages, none of them is skipped for good.
          if (faults.takes("syncFails")) throw new IoFailed("sync directory", path, this.disk.syncError());
          end();
        },
        interrupted: directory === null ? undefined : (draws) => draws.chance(0.5) && end(),
      };
    });
  }

  space(path: string, deadline: Deadline): Promise<{ readonly totalBytes: number; readonly freeBytes: number }> {
    const { disk } = this;
    return this.quick("disk.space", path, deadline, () => {
      if (disk.faults.takes("spaceFails")) throw new IoFailed("statfs", path, "EIO");
      return { totalBytes: disk.capacityBytes, freeBytes: disk.freeBytes };
    });
  }

  /** At once, as flock with LOCK_NB is. */
  async lock(path: string, _deadline: Deadline): Promise<{ release(): void }> {
    if (!this.#owner.alive) return new Promise(() => {});
    this.disk.names.open(path, "create");
    const key = partsOf(path).join("/");
    this.disk.lock(key, path);
    let held = true;
    return {
      release: () => {
        if (held && this.#owner.alive) this.disk.unlock(key);
        held = false;
      },
    };
  }

  /** Of files that this process has opened and not closed. */
  get openPaths(): readonly string[] {
    return [...this.#handles].map(({ path }) => path);
  }

  /** The process is gone: the kernel closes its files. */
  end(): void {
    for (const handle of [...this.#handles]) handle.free();
  }

  // ── for its handles ──

  /** Never answers a process that is gone. */
  call<T>(path: string, deadline: Deadline, call: Call<T>, onLate?: (late: Late<T>) => void): Promise<T> {
    if (!this.#owner.alive) return new Promise(() => {});
    return this.#deadlines.call(deadline, path, (told) => this.disk.kernel.call(this.#owner, call, told), onLate);
  }

  /** A call that begins once it is its turn at the device. */
  waiting(path: string, deadline: Deadline, begin: () => Call<void>): Promise<void> {
    const { kernel } = this.disk;
    const start = () =>
      new Promise<void>((resolve, reject) => {
        if (this.#owner.alive) kernel.call(this.#owner, begin(), { resolve, reject });
      });
    return this.#deadlines.guard(deadline, path, this.#gate.run(deadline, start));
  }

  /** A call that needs no device. @param interrupted what may happen of it if it is interrupted. */
  quick<T>(
    kind: string,
    path: string,
    deadline: Deadline,
    effect: () => T,
    interrupted?: () => void,
    onLate?: (late: Late<T>) => void,
  ): Promise<T> {
    return this.call(path, deadline, {
      kind,
      delayMs: this.disk.delayMs(0, false),
      waitsForDevice: false,
      effect,
      interrupted: interrupted === undefined ? undefined : (draws) => draws.chance(0.5) && ignoringErrors(interrupted),
    }, onLate);
  }

  closed(handle: SimHandle): void {
    this.#handles.delete(handle);
  }
}

/** The caller is gone: nobody is there to be told that it failed. */
function ignoringErrors(effect: () => void): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof IoFailed)) throw error;
  }
}

class SimHandle implements DiskFile {
  readonly path: string;
  readonly #mount: SimMount;
  readonly #file: SimFile;
  readonly #writable: boolean;
  readonly #durableWrites: boolean;
  #open = true;

  constructor(mount: SimMount, path: string, file: SimFile, writable: boolean, durableWrites: boolean) {
    this.#mount = mount;
    this.path = path;
    this.#file = file;
    this.#writable = writable;
    this.#durableWrites = durableWrites;
    file.handles++;
  }

  write(chunks: readonly Uint8Array[], offset: number, deadline: Deadline): Promise<void> {
    const listed = chunks.slice();
    if (this.#durableWrites) return this.#mount.waiting(this.path, deadline, () => this.#write(listed, offset));
    return this.#mount.call(this.path, deadline, this.#write(listed, offset));
  }

  sync(deadline: Deadline): Promise<void> {
    return this.#mount.waiting(this.path, deadline, () => this.#sync());
  }

  read(into: Uint8Array, offset: number, deadline: Deadline): Promise<number> {
    const { disk } = this.#mount;
    return this.#mount.call(this.path, deadline, {
      kind: "disk.read",
      delayMs: disk.delayMs(into.length, false),
      waitsForDevice: false,
      effect: () => {
        this.#check("read", true);
        if (disk.faults.takes("readFails")) throw new IoFailed("read", this.path, "EIO");
        return this.#file.read(into, offset);
      },
    });
  }

  size(deadline: Deadline): Promise<number> {
    return this.#mount.quick("disk.size", this.path, deadline, () => {
      this.#check("stat", true);
      return this.#file.size;
    });
  }

  truncate(size: number, deadline: Deadline): Promise<void> {
    return this.#mount.quick("disk.truncate", this.path, deadline, () => {
      this.#check("truncate", this.#writable);
      this.#mount.disk.truncate(this.#file, size);
    });
  }

  close(deadline: Deadline): Promise<void> {
    return this.#mount.quick("disk.close", this.path, deadline, () => {
      this.#check("close", true);
      this.free();
    });
  }

  free(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#mount.closed(this);
    this.#file.handles--;
    this.#mount.disk.unused(this.#file);
  }

  /** The bytes are taken when it happens, so a buffer that was given away too early is seen. */
  #write(chunks: readonly Uint8Array[], offset: number): Call<void> {
    const { disk } = this.#mount;
    const length = lengthOf(chunks);
    const durable = this.#durableWrites;
    return {
      kind: "disk.write",
      delayMs: disk.delayMs(length, durable),
      waitsForDevice: durable,
      effect: () => {
        this.#check("write", this.#writable);
        if (disk.faults.takes("writeFails")) throw new IoFailed("write", this.path, "EIO");
        disk.write(this.#file, chunks, offset, this.path);
        if (durable) this.#made(offset, length);
      },
      interrupted: (draws, kind) => {
        const share = kind === "power" || draws.chance(0.5) ? 1 : draws.float();
        if (draws.chance(0.8)) {
          ignoringErrors(() => disk.write(this.#file, firstBytes(chunks, Math.ceil(length * share)), offset, this.path));
        }
      },
    };
  }

  /** The second half of a durable write. */
  #made(offset: number, length: number): void {
    const { disk } = this.#mount;
    if (disk.faults.takes("syncFails")) {
      this.#file.forget(offset, length);
      throw new IoFailed("write", this.path, "EIO");
    }
    if (disk.faults.lies(disk.world.now)) return;
    this.#file.makeDurable(offset, length);
    disk.touched(this.#file);
  }

  #sync(): Call<void> {
    const { disk } = this.#mount;
    const file = this.#file;
    const begun = file.beginSync();
    const abandon = () => file.abandonSync(begun);
    const end = (): void => {
      if (disk.faults.lies(disk.world.now)) return abandon();
      file.endSync(begun);
      disk.touched(file);
    };
    return {
      kind: "disk.sync",
      delayMs: disk.delayMs(0, true),
      waitsForDevice: true,
      effect: () => {
        if (disk.faults.takes("syncFails")) {
          file.failSync(begun);
          throw new IoFailed("sync", this.path, disk.syncError());
        }
        end();
      },
      interrupted: (draws, kind) => {
        if (draws.chance(0.5)) end();
        else if (kind === "process") abandon();
      },
    };
  }

  #check(op: string, allowed: boolean): void {
    if (!this.#open || !allowed) throw new IoFailed(op, this.path, "EBADF");
  }
}

/**
 * A disk in memory, with the promises of a real one and its treachery: bytes survive `crash()` only if the file was synced, names only
 * if their directory was. Serves `storage: "memory"` and fast tests. Never slow, never late, full at a stated size.
 */
import type { Deadline } from "../deadline.ts";
import { IoFailed } from "../errors.ts";
import type { DirectoryEntry, Disk, DiskFile, OpenOptions } from "../io.ts";
import { Capacity, MemoryFile } from "./file.ts";

export interface MemoryDisk extends Disk {
  /** Loses power: takes back what was not synced, drops locks, and refuses every handle that is open. */
  crash(): void;
}

class Directory {
  readonly kind = "directory";
  entries = new Map<string, Node>();
  /** The entries after a crash. */
  durable = new Map<string, Node>();
  /** Names that lead here, now and after a crash; what is inside is let go when it reaches 0. */
  references = 0;
}

type Node = MemoryFile | Directory;

export function createMemoryDisk(capacityBytes: number): MemoryDisk {
  return new InMemory(new Capacity(capacityBytes));
}

class InMemory implements MemoryDisk {
  readonly #capacity: Capacity;
  readonly #root = new Directory();
  readonly #locks = new Set<string>();
  /** Counts crashes: a handle from before one is dead. */
  #incarnation = 0;

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  async open(path: string, { mode, durableWrites }: OpenOptions, _deadline: Deadline): Promise<DiskFile> {
    const { parent, name } = this.#locate("open", path);
    let file = parent.entries.get(name);
    if (file === undefined) {
      if (mode === "read" || mode === "write") throw new IoFailed("open", path, "ENOENT");
      file = new MemoryFile(this.#capacity);
      enter(parent, name, file);
    } else if (mode === "exclusive") throw new IoFailed("open", path, "EEXIST");
    if (file.kind === "directory") throw new IoFailed("open", path, "EISDIR");
    file.references++;
    const incarnation = this.#incarnation;
    return new Handle(path, file, mode !== "read", durableWrites === true, () => incarnation === this.#incarnation);
  }

  async list(path: string, _deadline: Deadline): Promise<readonly DirectoryEntry[]> {
    const entries = Array.from(this.#directory("list", path).entries, ([name, { kind }]): DirectoryEntry => ({ name, kind }));
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async makeDirectory(path: string, _deadline: Deadline): Promise<void> {
    let directory = this.#root;
    for (const name of partsOf(path)) {
      let next = directory.entries.get(name);
      if (next === undefined) enter(directory, name, next = new Directory());
      if (next.kind !== "directory") throw new IoFailed("make directory", path, "EEXIST");
      directory = next;
    }
  }

  async rename(from: string, to: string, _deadline: Deadline): Promise<void> {
    const source = this.#locate("rename", from);
    const target = this.#locate("rename", to);
    const node = source.parent.entries.get(source.name);
    const replaced = target.parent.entries.get(target.name);
    if (node === undefined) throw new IoFailed("rename", from, "ENOENT");
    if (node === replaced) return;
    if (replaced?.kind === "directory" && replaced.entries.size > 0) throw new IoFailed("rename", to, "ENOTEMPTY");
    source.parent.entries.delete(source.name);
    target.parent.entries.set(target.name, node);
    if (replaced !== undefined) release(replaced);
  }

  async removeFile(path: string, _deadline: Deadline): Promise<void> {
    const { parent, name } = this.#locate("remove", path);
    const file = parent.entries.get(name);
    if (file === undefined) throw new IoFailed("remove", path, "ENOENT");
    if (file.kind === "directory") throw new IoFailed("remove", path, "EISDIR");
    parent.entries.delete(name);
    release(file);
  }

  async removeDirectory(path: string, _deadline: Deadline): Promise<void> {
    const parts = partsOf(path);
    const name = parts.pop();
    const parent = this.#find(parts);
    if (name === undefined || parent?.kind !== "directory") return;
    const directory = parent.entries.get(name);
    if (directory?.kind !== "directory") return;
    parent.entries.delete(name);
    release(directory);
  }

  async syncDirectory(path: string, _deadline: Deadline): Promise<void> {
    const directory = this.#directory("sync directory", path);
    for (const node of directory.entries.values()) node.references++;
    const before = directory.durable;
    directory.durable = new Map(directory.entries);
    for (const node of before.values()) release(node);
  }

  async space(_path: string, _deadline: Deadline): Promise<{ readonly totalBytes: number; readonly freeBytes: number }> {
    const { totalBytes, usedBytes } = this.#capacity;
    return { totalBytes, freeBytes: Math.max(0, totalBytes - usedBytes) };
  }

  async lock(path: string, _deadline: Deadline): Promise<{ release(): void }> {
    this.#locate("lock", path);
    const key = partsOf(path).join("/");
    if (this.#locks.has(key)) throw new IoFailed("lock", path, "EWOULDBLOCK");
    this.#locks.add(key);
    const incarnation = this.#incarnation;
    let held = true;
    return {
      release: () => {
        if (held && incarnation === this.#incarnation) this.#locks.delete(key);
        held = false;
      },
    };
  }

  crash(): void {
    this.#incarnation++;
    this.#locks.clear();
    this.#capacity.usedBytes = 0;
    revert(this.#root, new Set());
  }

  #find(parts: readonly string[]): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const part of parts) node = node?.kind === "directory" ? node.entries.get(part) : undefined;
    return node;
  }

  #directory(op: string, path: string): Directory {
    const node = this.#find(partsOf(path));
    if (node === undefined) throw new IoFailed(op, path, "ENOENT");
    if (node.kind !== "directory") throw new IoFailed(op, path, "ENOTDIR");
    return node;
  }

  #locate(op: string, path: string): { readonly parent: Directory; readonly name: string } {
    const parts = partsOf(path);
    const name = parts.pop();
    const parent = this.#find(parts);
    if (name === undefined || parent?.kind !== "directory") throw new IoFailed(op, path, "ENOENT");
    return { parent, name };
  }
}

class Handle implements DiskFile {
  readonly path: string;
  readonly #file: MemoryFile;
  readonly #writable: boolean;
  readonly #durableWrites: boolean;
  readonly #alive: () => boolean;
  #open = true;

  constructor(path: string, file: MemoryFile, writable: boolean, durableWrites: boolean, alive: () => boolean) {
    this.path = path;
    this.#file = file;
    this.#writable = writable;
    this.#durableWrites = durableWrites;
    this.#alive = alive;
  }

  async write(chunks: readonly Uint8Array[], offset: number, _deadline: Deadline): Promise<void> {
    this.#check("write", this.#writable);
    this.#file.write(chunks, offset, this.#durableWrites, this.path);
  }

  async sync(_deadline: Deadline): Promise<void> {
    this.#check("sync", true);
    this.#file.sync();
  }

  async read(into: Uint8Array, offset: number, _deadline: Deadline): Promise<number> {
    this.#check("read", true);
    return this.#file.read(into, offset);
  }

  async size(_deadline: Deadline): Promise<number> {
    this.#check("stat", true);
    return this.#file.size;
  }

  async truncate(size: number, _deadline: Deadline): Promise<void> {
    this.#check("truncate", this.#writable);
    this.#file.truncate(size);
  }

  async close(_deadline: Deadline): Promise<void> {
    this.#check("close", true);
    this.#open = false;
    release(this.#file);
  }

  #check(op: string, allowed: boolean): void {
    if (!this.#open || !allowed || !this.#alive()) throw new IoFailed(op, this.path, "EBADF");
  }
}

function enter(directory: Directory, name: string, node: Node): void {
  directory.entries.set(name, node);
  node.references++;
}

/** One name or handle less. */
function release(node: Node): void {
  if (--node.references > 0) return;
  if (node.kind === "file") return node.free();
  for (const inside of node.entries.values()) release(inside);
  for (const inside of node.durable.values()) release(inside);
}

/** What is reached by durable names comes back, and nothing else: references and used bytes are counted anew. */
function revert(directory: Directory, seen: Set<Node>): void {
  directory.entries = new Map(directory.durable);
  for (const node of directory.entries.values()) {
    if (!seen.has(node)) {
      seen.add(node);
      node.references = 0;
      if (node.kind === "directory") revert(node, seen);
      else node.crash();
    }
    node.references += 2;
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

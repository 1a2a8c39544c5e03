/**
 * The names of a simulated disk: a tree of directories as it is seen now, and one as the loss of power would leave it. What happened to names
 * is a journal; syncing a directory makes its part of it durable, and the loss of power leaves a beginning of the rest. Knows no time.
 */
import { type DirectoryEntry, IoFailed } from "../../io/mod.ts";
import type { Draws } from "../random.ts";
import { SimFile } from "./file.ts";

export class SimDirectory {
  readonly kind = "directory";
  readonly entries = new Map<string, Node>();
  readonly durable = new Map<string, Node>();
}

export type Node = SimFile | SimDirectory;

interface Place {
  readonly directory: SimDirectory;
  readonly name: string;
}
/** One change: `to` leads to `node`, or to nothing any more; `from` no longer leads there. */
interface Change {
  readonly order: number;
  readonly to: Place;
  readonly node: Node | null;
  readonly from: Place | null;
}

export class Names {
  readonly #root = new SimDirectory();
  /** The directories that durably lead to a node. */
  readonly #holders = new Map<Node, SimDirectory[]>();
  #journal: Change[] = [];
  #order = 0;
  /** Paths are asked for again and again. */
  readonly #parts = new Map<string, readonly string[]>();
  /** Told about a file that lost its last name: its room may be free. */
  readonly #unnamed: (file: SimFile) => void;

  constructor(unnamed: (file: SimFile) => void) {
    this.#unnamed = unnamed;
  }

  /** @throws {IoFailed} `ENOENT`, `EEXIST`, `EISDIR`. */
  open(path: string, mode: "read" | "write" | "create" | "exclusive"): SimFile {
    const place = this.#locate("open", path);
    const found = place.directory.entries.get(place.name);
    if (found === undefined) {
      if (mode === "read" || mode === "write") throw new IoFailed("open", path, "ENOENT");
      const file = new SimFile();
      this.#change(place, file, null);
      return file;
    }
    if (mode === "exclusive") throw new IoFailed("open", path, "EEXIST");
    if (found.kind === "directory") throw new IoFailed("open", path, "EISDIR");
    return found;
  }

  list(path: string): readonly DirectoryEntry[] {
    const entries = Array.from(this.directory("list", path).entries, ([name, { kind }]): DirectoryEntry => ({ name, kind }));
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  makeDirectory(path: string): void {
    let directory = this.#root;
    for (const name of this.#partsOf(path)) {
      let next = directory.entries.get(name);
      if (next === undefined) this.#change({ directory, name }, next = new SimDirectory(), null);
      if (next.kind !== "directory") throw new IoFailed("make directory", path, "EEXIST");
      directory = next;
    }
  }

  rename(from: string, to: string): void {
    const source = this.#locate("rename", from);
    const target = this.#locate("rename", to);
    const node = source.directory.entries.get(source.name);
    const replaced = target.directory.entries.get(target.name);
    if (node === undefined) throw new IoFailed("rename", from, "ENOENT");
    if (node === replaced) return;
    if (replaced?.kind === "directory" && replaced.entries.size > 0) throw new IoFailed("rename", to, "ENOTEMPTY");
    this.#change(target, node, source);
  }

  removeFile(path: string): void {
    const place = this.#locate("remove", path);
    const file = place.directory.entries.get(place.name);
    if (file === undefined) throw new IoFailed("remove", path, "ENOENT");
    if (file.kind === "directory") throw new IoFailed("remove", path, "EISDIR");
    this.#change(place, null, null);
  }

  /** From the leaves up, one name after the other. @param most that many names at most: somebody was interrupted. */
  removeDirectory(path: string, most = Infinity): void {
    const parts = this.#partsOf(path);
    const name = parts.at(-1);
    const parent = this.#find(parts, parts.length - 1);
    if (name === undefined || parent?.kind !== "directory") return;
    const directory = parent.entries.get(name);
    if (directory?.kind !== "directory") return;
    const places = [...below(directory), { directory: parent, name }];
    for (const place of places.slice(0, most)) this.#change(place, null, null);
  }

  /** @throws {IoFailed} `ENOENT`, `ENOTDIR`. */
  directory(op: string, path: string): SimDirectory {
    const parts = this.#partsOf(path);
    const node = this.#find(parts, parts.length);
    if (node === undefined) throw new IoFailed(op, path, "ENOENT");
    if (node.kind !== "directory") throw new IoFailed(op, path, "ENOTDIR");
    return node;
  }

  /** The directory of this path; null when there is none. */
  find(path: string): SimDirectory | null {
    const parts = this.#partsOf(path);
    const node = this.#find(parts, parts.length);
    return node?.kind === "directory" ? node : null;
  }

  /** Until here a sync that begins now reaches. */
  get order(): number {
    return this.#order;
  }

  /** Everything that happened in the directory until `order` is durable. */
  endSync(directory: SimDirectory, order: number): void {
    // A name that moved between directories takes along what happened before in both.
    let all = 0;
    for (const change of this.#journal) if (change.order <= order && touches(change, directory) && spans(change)) all = change.order;
    this.#journal = this.#journal.filter((change) => {
      const durable = change.order <= all || change.order <= order && touches(change, directory);
      if (durable) this.#settle(change);
      return !durable;
    });
  }

  /** Loss of power: of what was not synced, a beginning is durable. @returns the files that are left. */
  lose(draws: Draws): ReadonlySet<SimFile> {
    const kept = draws.chance(0.3) ? 0 : draws.chance(0.3) ? this.#journal.length : draws.below(this.#journal.length + 1);
    for (const change of this.#journal.slice(0, kept)) this.#settle(change);
    this.#journal = [];
    const files = new Set<SimFile>();
    const visit = (directory: SimDirectory): void => {
      directory.entries.clear();
      for (const [name, node] of directory.durable) {
        directory.entries.set(name, node);
        if (node.kind === "directory") visit(node);
        else {
          node.names = files.has(node) ? node.names + 1 : 1;
          files.add(node);
        }
      }
    };
    visit(this.#root);
    return files;
  }

  /** Whether the loss of power would leave a name of it. */
  isDurable(node: Node): boolean {
    return node === this.#root || (this.#holders.get(node) ?? []).some((directory) => this.isDurable(directory));
  }

  /** Every file with its path, in order. */
  *files(): Generator<readonly [path: string, file: SimFile]> {
    yield* walk(this.#root, "");
  }

  #change(to: Place, node: Node | null, from: Place | null): void {
    const replaced = to.directory.entries.get(to.name);
    if (from !== null) from.directory.entries.delete(from.name);
    if (node === null) to.directory.entries.delete(to.name);
    else to.directory.entries.set(to.name, node);
    if (node?.kind === "file" && from === null) node.names++;
    if (replaced?.kind === "file" && --replaced.names === 0) this.#unnamed(replaced);
    this.#journal.push({ order: ++this.#order, to, node, from });
  }

  #settle({ to, node, from }: Change): void {
    if (from !== null && from.directory.durable.get(from.name) === node) this.#setDurable(from, null);
    this.#setDurable(to, node);
  }

  #setDurable({ directory, name }: Place, node: Node | null): void {
    const before = directory.durable.get(name);
    if (before === node) return;
    if (before !== undefined) {
      const holders = this.#holders.get(before)!;
      holders.splice(holders.indexOf(directory), 1);
      if (holders.length === 0) this.#holders.delete(before);
    }
    if (node === null) directory.durable.delete(name);
    else {
      directory.durable.set(name, node);
      const holders = this.#holders.get(node);
      if (holders === undefined) this.#holders.set(node, [directory]);
      else holders.push(directory);
    }
  }

  /** What the first `count` of them lead to. */
  #find(parts: readonly string[], count: number): Node | undefined {
    let node: Node | undefined = this.#root;
    for (let at = 0; at < count; at++) node = node?.kind === "directory" ? node.entries.get(parts[at]!) : undefined;
    return node;
  }

  #locate(op: string, path: string): Place {
    const parts = this.#partsOf(path);
    const directory = this.#find(parts, parts.length - 1);
    if (parts.length === 0 || directory?.kind !== "directory") throw new IoFailed(op, path, "ENOENT");
    return { directory, name: parts.at(-1)! };
  }

  #partsOf(path: string): readonly string[] {
    let parts = this.#parts.get(path);
    if (parts === undefined) this.#parts.set(path, parts = partsOf(path));
    return parts;
  }
}

export const partsOf = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

const touches = ({ to, from }: Change, directory: SimDirectory): boolean => to.directory === directory || from?.directory === directory;
const spans = ({ to, from }: Change): boolean => from !== null && from.directory !== to.directory;

function below(directory: SimDirectory): Place[] {
  return [...directory.entries].flatMap(([name, node]) => [...(node.kind === "directory" ? below(node) : []), { directory, name }]);
}

function* walk(directory: SimDirectory, path: string): Generator<readonly [string, SimFile]> {
  const inOrder = [...directory.entries].sort(([a], [b]) => a < b ? -1 : 1);
  for (const [name, node] of inOrder) {
    if (node.kind === "directory") yield* walk(node, `${path}/${name}`);
    else yield [`${path}/${name}`, node];
  }
}

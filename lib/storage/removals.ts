/**
 * What was deleted and lies on the disk under another name: removed when its delay is over, or by the sweep of the next start when the node
 * stopped before. Decides nothing about what is deleted; a failure leaves the files for the next start.
 */
import { type Io, IoFailed, type Timer } from "../io/mod.ts";
import { isUuidDirectory } from "./log_directory.ts";
import type { StorageLog } from "./settings.ts";

const FILE_MS = 30_000;

export class Removals {
  readonly #io: Io;
  readonly #log: StorageLog;
  readonly #topicsDirectory: string;
  /** With what begins when the delay is over. */
  readonly #waiting = new Map<Timer, () => void>();
  readonly #running = new Set<Promise<void>>();
  #stopped = false;
  #isFull = false;

  constructor(io: Io, log: StorageLog, topicsDirectory: string) {
    this.#io = io;
    this.#log = log;
    this.#topicsDirectory = topicsDirectory;
  }

  /** Runs `remove` after the delay, unless the storage is closed before. Keeps no process alive. */
  later(delayMs: number, what: string, remove: () => Promise<void>): void {
    if (this.#stopped) return;
    const begin = () => {
      this.#waiting.delete(timer);
      const running = remove().catch((cause: unknown) => {
        this.#log("warn", "Cannot remove what was deleted: the next start tries again", { path: what, cause: String(cause) });
      }).finally(() => this.#running.delete(running));
      this.#running.add(running);
    };
    const timer = this.#io.timers.after(this.#isFull ? 0 : delayMs, begin, false);
    this.#waiting.set(timer, begin);
  }

  /** While the disk is full nothing waits for the end of its delay: whoever deletes then wants the room (HAZARDS W3). */
  diskIsFull(isFull: boolean): void {
    this.#isFull = isFull;
    if (!isFull) return;
    for (const [timer, begin] of [...this.#waiting]) {
      timer.cancel();
      begin();
    }
  }

  /** A log's directory under its retired name; with the last one its topic's directory goes. */
  directoryLater(path: string, delayMs: number): void {
    this.later(delayMs, path, () => this.#removeDirectory(path));
  }

  /**
   * Removes what earlier runs left: retired directories, and those whose retirement the loss of power took back after the WAL had forgotten the
   * log. `isKnown` says whether a log has a directory, `hasLogs` whether any log has one there.
   */
  async sweep(isKnown: (topic: string, partition: string) => boolean, hasLogs: (topic: string) => boolean): Promise<void> {
    for (const { name: topic, kind } of await this.#list(this.#topicsDirectory)) {
      if (this.#stopped) return;
      if (kind !== "directory" || !isUuidDirectory(topic)) continue;
      const path = `${this.#topicsDirectory}/${topic}`;
      for (const { name, kind } of await this.#list(path)) {
        if (kind !== "directory") continue;
        if (!/^\d+\.\d+\.deleted$/.test(name) && (!/^\d+$/.test(name) || isKnown(topic, name))) continue;
        await this.#removeDirectory(`${path}/${name}`, hasLogs(topic));
      }
    }
  }

  /** Nothing that waits is begun any more; what runs comes to its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#waiting.keys()) timer.cancel();
    this.#waiting.clear();
    await Promise.all(this.#running);
  }

  async #removeDirectory(path: string, keepTopic = false): Promise<void> {
    const { disk, deadlines } = this.#io;
    await disk.removeDirectory(path, deadlines.in("log.remove", FILE_MS));
    const topic = path.slice(0, path.lastIndexOf("/"));
    const isLast = !keepTopic && (await this.#list(topic)).length === 0;
    if (isLast) await disk.removeDirectory(topic, deadlines.in("log.remove", FILE_MS));
    // A disk in memory gives the room back when the name is gone for good.
    await disk.syncDirectory(isLast ? this.#topicsDirectory : topic, deadlines.in("log.syncDirectory", FILE_MS));
  }

  async #list(path: string) {
    try {
      return await this.#io.disk.list(path, this.#io.deadlines.in("log.list", FILE_MS));
    } catch (error) {
      if (error instanceof IoFailed && error.code === "ENOENT") return [];
      throw error;
    }
  }
}

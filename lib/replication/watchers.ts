/**
 * Who wants to know when something about a partition changed: parked fetches, coordinators. Calls everyone at every change
 * (law 5: all kinds or none), in the order of subscription; tells nobody what changed.
 */

export class Watchers {
  readonly #watchers = new Set<Watcher>();

  get size(): number {
    return this.#watchers.size;
  }

  subscribe(changed: () => void): { cancel(): void } {
    const watcher = new Watcher(changed, this.#watchers);
    this.#watchers.add(watcher);
    return watcher;
  }

  /** A watcher may cancel itself or others while it is called; one that is added meanwhile waits for the next change. */
  notify(): void {
    if (this.#watchers.size === 0) return;
    if (this.#watchers.size === 1) {
      for (const only of this.#watchers) return only.changed();
    }
    for (const watcher of [...this.#watchers]) if (this.#watchers.has(watcher)) watcher.changed();
  }
}

class Watcher {
  readonly changed: () => void;
  readonly #all: Set<Watcher>;

  constructor(changed: () => void, all: Set<Watcher>) {
    this.changed = changed;
    this.#all = all;
  }

  cancel(): void {
    this.#all.delete(this);
  }
}

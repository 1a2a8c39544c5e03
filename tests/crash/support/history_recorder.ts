/**
 * Gathers one history (lib/sim/history.ts) from clients in this process and in others. What a client asked and never heard of becomes `unknown` when
 * the client is gone.
 */
import { eachLine } from "../../support/lines.ts";
import { type Committed, formatHistory, type HistoryEvent, type Produced } from "../../../lib/sim/mod.ts";

export type Asked = Omit<Produced, "kind" | "toldAt" | "told" | "offset">;

type Committing = Omit<Committed, "kind" | "toldAt" | "told">;

const commitKey = ({ client, partition }: Committing): string => `${client}/${partition}`;

/** Milliseconds with their fraction on the wall clock, because other processes and languages have the same. */
export const now = (): number => performance.timeOrigin + performance.now();

export class Recorder {
  readonly history: HistoryEvent[] = [];
  readonly counts = { acknowledged: 0, unknown: 0, failed: 0, read: 0, committed: 0, changed: 0 };
  readonly #asked = new Map<string, Asked>();
  /** Commits under way, by client and partition. */
  readonly #committing = new Map<string, Committing>();
  #wakers: (() => void)[] = [];

  /** Records under way. */
  get open(): number {
    return this.#asked.size;
  }

  asked(asked: Asked): void {
    this.#asked.set(asked.mark, asked);
  }

  told(asked: Asked, told: Produced["told"], offset = -1): void {
    this.add({ kind: "produced", ...asked, toldAt: now(), told, offset });
  }

  add(event: HistoryEvent): void {
    if (event.kind === "produced") {
      this.#asked.delete(event.mark);
      this.counts[event.told === "ok" ? "acknowledged" : event.told]++;
    } else if (event.kind === "read") this.counts.read++;
    else if (event.kind === "committed") {
      this.#committing.delete(commitKey(event));
      if (event.told === "ok") this.counts.committed++;
    } else if (event.kind === "changed" && event.told === "ok") this.counts.changed++;
    this.history.push(event);
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /** Nothing more is heard of the client: nobody knows what became of what it asked. */
  gone(client: string): void {
    for (const commit of [...this.#committing.values()]) {
      // A member of a group has another name in each assignment.
      if (commit.client.split("#")[0] === client) this.add({ ...commit, kind: "committed", toldAt: now(), told: "unknown" });
    }
    for (const asked of [...this.#asked.values()]) if (asked.client === client) this.told(asked, "unknown");
  }

  async save(path: string): Promise<void> {
    await Bun.write(path, formatHistory(this.history));
  }

  /** Takes lines until the stream ends: events, and of the kind `asked` what is about to be asked. */
  follow(stdout: ReadableStream<Uint8Array>): Promise<void> {
    return eachLine(stdout, (line) => this.#line(line));
  }

  /** @throws when it has not come true after so long. */
  async until(condition: () => boolean, what: string, budgetMs = 60_000): Promise<void> {
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      for (const wake of this.#wakers.splice(0)) wake();
    }, budgetMs);
    while (!condition() && !isLate) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    clearTimeout(late);
    if (!condition()) throw new Error(`Waited ${budgetMs / 1000} s for ${what}`);
  }

  #line(line: string): void {
    const event = JSON.parse(line) as HistoryEvent | ({ readonly kind: "asked" } & Asked) | ({ readonly kind: "committing" } & Committing);
    if (event.kind === "committing") return void this.#committing.set(commitKey(event), event);
    if (event.kind !== "asked") return this.add(event);
    const { kind: _, ...asked } = event;
    this.asked(asked);
  }
}

/** What every call of the admin needs: the pool, and a budget for the whole of it. */
import type { Deadline, Io } from "../../io/mod.ts";
import type { Cluster } from "../types.ts";

/** Of what is left, the share that the broker is given: its own answer should come before we give up. */
const BROKERS_SHARE = 0.9;

export class AdminContext {
  readonly cluster: Cluster;
  readonly #io: Io;

  constructor(io: Io, cluster: Cluster) {
    this.#io = io;
    this.cluster = cluster;
  }

  /** One for a whole call, its tries and pauses included. */
  deadline(op: string): Deadline {
    return this.#io.deadlines.in(op, this.cluster.options.requestTimeoutMs);
  }

  /** For the field that tells a broker how long it may take. */
  brokerTimeoutMs(deadline: Deadline): number {
    return Math.max(1, Math.floor((deadline.at - this.#io.clock.mono()) * BROKERS_SHARE));
  }

  /** A part of what is left. */
  within(deadline: Deadline, budgetMs: number): Deadline {
    return { op: deadline.op, at: Math.min(deadline.at, this.#io.clock.mono() + budgetMs) };
  }
}

/**
 * One process of a client on a machine of its own: what it asks and is told goes into the history under a name that no other process has.
 * When it is killed, nobody ever learns what became of what it had asked for.
 */
import { KafkaError } from "../../client/mod.ts";
import type { Io } from "../../io/mod.ts";
import type { HistoryEvent } from "../history.ts";
import type { Machine } from "../machine.ts";
import type { Draws } from "../random.ts";
import type { World } from "../world.ts";
import type { WorkloadContext } from "./types.ts";

/** Who asked, when, and when the answer came. */
export interface Asked {
  readonly client: string;
  readonly askedAt: number;
  readonly toldAt: number;
}

type Recording = (asked: Asked) => HistoryEvent;

export class Client {
  readonly name: string;
  readonly machine: Machine;
  readonly io: Io;
  readonly context: WorkloadContext;
  /** Its own decisions. */
  readonly draws: Draws;
  readonly #unanswered = new Set<() => void>();
  #readings = 0;
  #isGone = false;

  /** Starts it on the machine, on which there is none. */
  constructor(context: WorkloadContext, name: string, machine: Machine) {
    this.context = context;
    this.name = name;
    this.machine = machine;
    this.io = machine.start();
    this.draws = context.world.draws(`workload/${name}`);
    context.atEnd(() => this.end());
  }

  get world(): World {
    return this.context.world;
  }
  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * Something is asked for now. @param unanswered what is recorded when nobody answers before the process ends.
   * @returns to be called with the answer; the first one counts.
   */
  asks(unanswered: Recording | null): (answer: Recording | null) => void {
    const askedAt = this.world.now;
    let isOver = false;
    const tell = (answer: Recording | null): void => {
      if (isOver) return;
      isOver = true;
      this.#unanswered.delete(end);
      if (answer !== null) this.context.record(answer({ client: this.name, askedAt, toldAt: this.world.now }));
    };
    const end = (): void => tell(unanswered);
    if (this.#isGone) end();
    else this.#unanswered.add(end);
    return tell;
  }

  /** Something that it came to know by itself, or was told at once. */
  saw(event: Recording, askedAt = this.world.now): void {
    if (!this.#isGone) this.context.record(event({ client: this.name, askedAt, toldAt: this.world.now }));
  }

  /**
   * Law 3, for records as they are in the log of a topic that nothing is deleted of: who is told of them, or given them, finds them on the disk.
   * @param how it came to know of it.
   */
  expectDurable(mark: string, how: string): void {
    if (!this.#isGone && !this.context.isDurable(mark)) this.world.fail(`law 3: ${mark}, which ${this.name} ${how} is not durable`);
  }

  /** A name for one reading by itself: nothing is promised from one fetch to the next. */
  nextReading(): string {
    return `${this.name}/${++this.#readings}`;
  }

  /** On the client's own clock; never ends when the process does before. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.io.timers.after(ms, resolve));
  }

  /** The process is gone: nobody learns what is still to be answered. */
  end(): void {
    this.#isGone = true;
    for (const end of [...this.#unanswered]) end();
  }

  /** Again, with pauses, for as long as it fails in a way that may pass: clients that set up or read everything do not give up. */
  async insist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (!error.retriable && !error.isOutcomeUnknown) throw error;
      }
      await this.sleep(200);
    }
  }
}

/** How often processes of a client are killed. */
export interface Lives {
  /** Processes one after the other; the last one is not killed. */
  readonly count: number;
  /** The longest that one of the others lives, and that the machine is without one afterwards. Milliseconds. */
  readonly lifeMs: number;
  readonly pauseMs: number;
}

export const ONE_LIFE: Lives = { count: 1, lifeMs: 1, pauseMs: 1 };

/**
 * Runs `body` on a new machine; when its process is killed, again in a new process. Ends with the first `body` that ends; a rejection is passed on.
 */
export async function live(
  context: WorkloadContext,
  name: string,
  body: (client: Client) => Promise<void>,
  { count, lifeMs, pauseMs }: Lives = ONE_LIFE,
): Promise<void> {
  const machine = context.machine(name);
  const draws = context.world.draws(`lives/${name}`);
  for (let life = 1;; life++) {
    const client = new Client(context, life === 1 ? name : `${name}.${life}`, machine);
    const killedAfter = life < count ? draws.between(0, lifeMs) : null;
    if (await untilEnd(machine, client, body, killedAfter, draws)) return;
    await pause(context.world, draws.between(0, pauseMs));
  }
}

/** False when the process was killed. */
function untilEnd(
  machine: Machine,
  client: Client,
  body: (client: Client) => Promise<void>,
  killedAfter: number | null,
  draws: Draws,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const end = (kind: "process" | "power"): void => {
      if (client.isGone) return;
      client.end();
      machine.end(kind);
    };
    const killer = killedAfter === null ? null : client.world.after(killedAfter, "client.killed", null, () => {
      if (client.isGone) return;
      end(draws.chance(0.5) ? "process" : "power");
      resolve(false);
    });
    body(client).then(() => {
      if (client.isGone) return;
      if (killer !== null) killer.cancelled = true;
      end("process");
      resolve(true);
    }, (error) => {
      if (!client.isGone) reject(error);
    });
  });
}

/**
 * `work`, in the company of others that go on until it is over. Whoever fails ends it at once: nobody would look at the others otherwise.
 * @param company is given what tells them that it is over.
 */
export async function inCompany(company: (isOver: () => boolean) => readonly Promise<void>[], work: () => Promise<unknown>): Promise<void> {
  let isOver = false;
  const others = company(() => isOver);
  await Promise.all([...others, work().then(() => void (isOver = true))]);
}

const pause = (world: World, ms: number): Promise<void> => new Promise((resolve) => void world.after(ms, "client.waits", null, resolve));

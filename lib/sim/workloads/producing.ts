/** A producer of the client room that sends records with marks, and tells what it was told of each. */
import { KafkaError, openProducer, type ProducerApi, type ProducerOptions } from "../../client/mod.ts";
import { COMPRESSION_TYPES, type CompressionType } from "../../protocol/mod.ts";
import type { Told } from "../history.ts";
import type { Draws } from "../random.ts";
import { Violation } from "../world.ts";
import { type Client, live, type Lives } from "./client.ts";
import { clientOptions, knob, type Knobs, paceMs, whole } from "./knobs.ts";
import type { WorkloadContext } from "./types.ts";
import { valueOf } from "./values.ts";

/** Of the runs. */
const HURRIED_SHARE = 0.35;

/** @param operations of each producer. */
export function producerKnobs(draws: Draws, operations: number): Knobs {
  const together = 1 + draws.below(12);
  const lingerMs = draws.below(20);
  const inFlightMax = draws.pick([1, 1, 2, 3, 4, 5]);
  return {
    valueBytes: whole(draws.skewed(10, 2_000)),
    pauseMs: paceMs(draws, 2 * operations / (together + 1), 500),
    together,
    lingerMs,
    batchBytes: whole(draws.skewed(100, inFlightMax === 1 ? 1_000 : 20_000)),
    bufferBytes: draws.chance(0.2) ? whole(draws.skewed(500, 20_000)) : 1_000_000,
    inFlightMax,
    deliveryTimeoutMs: whole(draws.skewed(1_000, 60_000)),
    acks0Share: draws.chance(0.1) ? 0.5 : 0,
    acks1Share: draws.chance(0.3) ? 0.5 : 0,
    // Without sequences nothing but the client keeps the order of what it sends one by one.
    plainShare: draws.chance(inFlightMax === 1 ? 0.7 : 0.3) ? 0.5 : 0,
    compression: draws.chance(0.2) ? draws.below(COMPRESSION_TYPES.length) : COMPRESSION_TYPES.indexOf("none"),
    ...(draws.chance(HURRIED_SHARE) && hurriedKnobs(draws, lingerMs)),
  };
}

/**
 * Producers whose delivery timeout is hardly longer than that of a request, that take their time before they try again, and whose clock is slow: the broker
 * says first that it does not know, and they give up between two tries. Then they have to know what may have been written.
 */
function hurriedKnobs(draws: Draws, lingerMs: number): Knobs {
  const requestTimeoutMs = whole(draws.skewed(200, 1_000));
  return {
    requestTimeoutMs,
    deliveryTimeoutMs: requestTimeoutMs + lingerMs + whole(draws.skewed(1, 300)),
    retryBackoffMs: whole(draws.skewed(100, 2_000)),
    clockRate: draws.between(0.75, 1),
  };
}

/** The disk finds no marks in what is packed. */
export const isPacked = (context: WorkloadContext): boolean => COMPRESSION_TYPES[knob(context, "compression")] !== "none";

/** Which promises this producer asks for. */
function kindOf(client: Client): Pick<ProducerOptions, "acks" | "idempotent"> {
  const { draws, context } = client;
  if (draws.chance(knob(context, "acks0Share"))) return { acks: 0, idempotent: false };
  if (draws.chance(knob(context, "acks1Share"))) return { acks: 1, idempotent: false };
  return { acks: "all", idempotent: !draws.chance(knob(context, "plainShare")) };
}

/** Producers, each in as many lives, until every one has sent what it is to send. */
export async function produceAll(
  context: WorkloadContext,
  { topic, partitions, lives, isKept = true, count = context.plan.clients }: {
    readonly topic: string;
    readonly partitions: number;
    readonly lives?: Lives;
    /** As `MarkedProducer` has it. */
    readonly isKept?: boolean;
    /** As many as the workload has clients when absent. */
    readonly count?: number;
  },
): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, at) => {
    const budget = { left: context.plan.operations };
    const body = (client: Client) => new MarkedProducer(client, isKept).sendMany(budget, topic, partitions);
    return live(context, `${context.plan.kind}-producer${at}`, body, lives);
  }));
}

/** What the processes of one client have to do together. */
export interface Budget {
  left: number;
}

export class MarkedProducer {
  readonly #client: Client;
  readonly #producer: ProducerApi;
  readonly #isIdempotent: boolean;
  readonly #isOneByOne: boolean;
  readonly #isAcknowledged: boolean;
  readonly #isLegible: boolean;

  /** @param isKept false: what was acknowledged may be deleted before its producer hears of it, so nobody looks whether it is durable. */
  constructor(client: Client, isKept = true) {
    const { context } = client;
    const { clockRate } = context.plan.knobs;
    if (clockRate !== undefined) client.machine.clock.drift(clockRate);
    const compression: CompressionType = COMPRESSION_TYPES[knob(context, "compression")]!;
    const kind = kindOf(client);
    this.#client = client;
    this.#isIdempotent = kind.idempotent === true;
    this.#isOneByOne = knob(context, "inFlightMax") === 1;
    this.#isAcknowledged = kind.acks !== 0;
    this.#isLegible = isKept && !isPacked(context);
    this.#producer = openProducer(client.io, {
      ...clientOptions(context),
      ...kind,
      compression,
      lingerMs: knob(context, "lingerMs"),
      batchBytes: knob(context, "batchBytes"),
      bufferBytes: knob(context, "bufferBytes"),
      inFlightMax: knob(context, "inFlightMax"),
      deliveryTimeoutMs: knob(context, "deliveryTimeoutMs"),
    });
  }

  /** Resolves when it is known what became of the record, or that nobody will know. Law 3: who is told "acknowledged" finds it on the disk. */
  async send(topic: string, partition: number): Promise<void> {
    const { context, draws } = this.#client;
    const mark = context.nextMark();
    const event = { kind: "produced", topic, partition, mark, idempotent: this.#isIdempotent, oneByOne: this.#isOneByOne } as const;
    const tell = this.#client.asks((asked) => ({ ...asked, ...event, told: "unknown", offset: -1 }));
    const value = valueOf(mark, draws.skewed(1, 2 * knob(context, "valueBytes")));
    const key = draws.chance(0.3) ? `key${draws.below(5)}` : null;
    let told: Told = "ok";
    let offset = -1;
    try {
      offset = (await this.#producer.send({ topic, partition, value, key })).offset;
      if (!this.#isAcknowledged) told = "unknown";
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      told = error.isOutcomeUnknown ? "unknown" : "failed";
    }
    if (this.#client.isGone) return;
    if (told === "ok" && this.#isLegible && !context.isDurable(mark)) {
      throw new Violation(
        `law 3: ${mark} was acknowledged to ${this.#client.name} at ${topic}-${partition}, offset ${offset}, and is not durable`,
      );
    }
    tell((asked) => ({ ...asked, ...event, told, offset: told === "ok" ? offset : -1 }));
    context.count(told === "ok" ? "acknowledged" : told);
  }

  /** Sends as many records as are left to partitions of its choice, some together and some one after the other. */
  async sendMany(budget: Budget, topic: string, partitions: number): Promise<void> {
    const { context, draws } = this.#client;
    const underWay: Promise<void>[] = [];
    while (budget.left > 0) {
      const together = Math.min(budget.left, 1 + draws.below(knob(context, "together")));
      budget.left -= together;
      for (let at = 0; at < together; at++) underWay.push(this.send(topic, draws.below(partitions)));
      if (draws.chance(0.3)) await Promise.all(underWay.splice(0));
      await this.#client.sleep(draws.float() * 2 * knob(context, "pauseMs"));
    }
    await Promise.all(underWay);
    await this.#producer.close();
  }
}

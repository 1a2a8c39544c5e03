/** The producer id: asked for once, when the first batch is to go, and again when the broker has refused it. Source: KIP-98. */
import type { Deadline } from "../../io/mod.ts";
import { InitProducerId } from "../../protocol/mod.ts";
import { expectNoError } from "../errors.ts";
import type { Cluster } from "../types.ts";
import type { Identity } from "./partition_queue.ts";

/** Of transactions, which this producer has none of; brokers want a number. */
const TRANSACTION_TIMEOUT_MS = 2_147_483_647;

export class ProducerIdentity {
  readonly #cluster: Cluster;
  #current: Identity | null = null;
  #asking: Promise<Identity> | null = null;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Null before the first was given. */
  get current(): Identity | null {
    return this.#current;
  }

  /** A new one; those who ask while one is on its way share it. @throws {KafkaError} */
  renew(deadline: Deadline): Promise<Identity> {
    return this.#asking ??= this.#ask(deadline).finally(() => this.#asking = null);
  }

  async #ask(deadline: Deadline): Promise<Identity> {
    const reply = await this.#cluster.retry(deadline, async () => {
      const answer = await this.#cluster.call("any", InitProducerId, {
        transactionalId: null,
        transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
      }, { deadline });
      expectNoError(answer.errorCode, "get a producer id");
      return answer;
    });
    return this.#current = { producerId: reply.producerId, producerEpoch: reply.producerEpoch };
  }
}

/** A client that does nothing wrong, beside those that do: produces a record, fetches it, again and again, and remembers what went wrong. */
import {
  BATCH_HEADER_BYTES,
  encodeBatch,
  errorName,
  Fetch,
  forEachRecord,
  Produce,
  readBatchHeader,
  ZERO_UUID,
} from "../../../lib/protocol/mod.ts";
import { KafkaClient } from "../../node/kafka_client.ts";

const WAIT_MS = 20_000;

export class HonestClient {
  /** Records that went there and back. */
  rounds = 0;
  readonly problems: string[] = [];
  #running = true;
  readonly #done: Promise<void>;
  readonly #topic: string;
  #progress: (() => void)[] = [];

  /** @param topic its own, with one partition. */
  constructor(port: number, topic: string) {
    this.#topic = topic;
    this.#done = this.#run(port).catch((error: unknown) => {
      this.problems.push(String(error));
      this.#tell();
    });
  }

  /** Resolves when it has gone on by so many rounds, or when something went wrong. */
  async goesOn(rounds: number): Promise<void> {
    const until = this.rounds + rounds;
    while (this.rounds < until && this.problems.length === 0) await new Promise<void>((resolve) => this.#progress.push(resolve));
  }

  async stop(): Promise<readonly string[]> {
    this.#running = false;
    await this.#done;
    return this.problems;
  }

  async #run(port: number): Promise<void> {
    using client = await KafkaClient.connect({ host: "", port });
    while (this.#running && this.problems.length === 0) {
      await this.#round(client);
      this.rounds++;
      this.#tell();
    }
  }

  async #round(client: KafkaClient): Promise<void> {
    const value = new TextEncoder().encode(`record ${this.rounds}`);
    const records = encodeBatch({ records: [{ key: null, value, timestamp: 1_700_000_000_000, headers: [] }] });
    const produced = await client.ask(Produce, 9, {
      acks: -1,
      timeoutMs: WAIT_MS,
      topicData: [{ name: this.#topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
    });
    const { errorCode, baseOffset } = produced.responses[0]!.partitionResponses[0]!;
    if (errorCode !== 0 || baseOffset !== this.rounds) {
      this.problems.push(`produce ${this.rounds}: ${errorName(errorCode)} at offset ${baseOffset}`);
    }
    const fetched = await client.ask(Fetch, 12, {
      maxWaitMs: WAIT_MS,
      minBytes: 1,
      topics: [{
        topic: this.#topic,
        topicId: ZERO_UUID,
        partitions: [{ partition: 0, fetchOffset: this.rounds, partitionMaxBytes: 1_000_000 }],
      }],
    });
    const row = fetched.responses[0]!.partitions[0]!;
    const bytes = row.records === null ? null : [row.records].flat()[0] ?? null;
    let found = "";
    if (bytes !== null) {
      const { recordCount } = readBatchHeader(bytes);
      forEachRecord(bytes, BATCH_HEADER_BYTES, bytes.length, recordCount, (record) => {
        found = new TextDecoder().decode(record.value ?? undefined);
      });
    }
    if (row.errorCode !== 0 || found !== `record ${this.rounds}`) {
      this.problems.push(`fetch ${this.rounds}: ${errorName(row.errorCode)}, found "${found}"`);
    }
  }

  #tell(): void {
    for (const resolve of this.#progress.splice(0)) resolve();
  }
}

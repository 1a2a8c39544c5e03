/**
 * An idempotent producer that no good client would be: it sends batches again over new connections while the old ones are open, repeats what was
 * acknowledged, leaves gaps and raises its epoch in the middle. Whatever it does, each record is in the log at most once and in order, and a
 * batch that is next is taken. Source: KIP-98, KIP-360.
 */
import { type Cluster, KafkaError, openCluster } from "../../client/mod.ts";
import { encodeBatch, errorName, InitProducerId, type KafkaErrorName, Produce, ZERO_UUID } from "../../protocol/mod.ts";
import type { Produced, Told } from "../history.ts";
import { Violation } from "../world.ts";
import type { Client } from "./client.ts";
import { clientOptions, knob } from "./knobs.ts";
import type { Budget } from "./producing.ts";
import { valueOf } from "./values.ts";

/** Up to this version topics have names in requests. */
const BY_NAME_MAX = 12;
/** From the first of which nobody knows whether it is in the log to the last one sent: so many a broker remembers. */
const SPAN_MAX = 5;
/** Acknowledged batches that may be repeated: some are still known to the broker, some are not. */
const REPEATED_MAX = 8;
/** Old connections that stay open, with what is on its way on them. */
const LINKS_MAX = 3;

/**
 * Their timestamps lie so far back: a clock that was set back refuses what comes from its future, again and again, and a producer that wrote nothing
 * younger than a day is forgotten.
 */
const BACK_MS = 12 * 3_600_000;

type AskedFor = Pick<Produced, "kind" | "topic" | "partition" | "mark" | "idempotent">;

interface Sequenced {
  /** Counts batches. */
  readonly ordinal: number;
  readonly sequence: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  readonly marks: readonly string[];
  readonly tell: (told: Told, baseOffset: number) => void;
  /** Requests with it that are not answered yet. */
  underWay: number;
  /** -2: not known to be in the log; -1: in the log, nobody says where. */
  offset: number;
}

export class SequenceProducer {
  readonly #client: Client;
  readonly #topic: string;
  readonly #partition: number;
  readonly #links: Cluster[] = [];
  #node = -1;
  #identities = 0;
  #producerId = -1;
  #epoch = 0;
  #sequence = 0;
  #batches = 0;
  /** In the order of their sequences; not known to be in the log. */
  readonly #unresolved: Sequenced[] = [];
  /** Of this epoch, in the log; the latest last. */
  #acknowledged: Sequenced[] = [];
  /** The epoch that the producer id came with. */
  #firstEpoch = 0;

  constructor(client: Client, topic: string, partition: number) {
    this.#client = client;
    this.#topic = topic;
    this.#partition = partition;
  }

  /** Ends when everything that was sent has been resolved. */
  async run(budget: Budget): Promise<void> {
    const { context, draws } = this.#client;
    const share = (name: string): boolean => draws.chance(knob(context, name));
    await this.#connect();
    await this.#begin();
    while (budget.left > 0 || this.#unresolved.length > 0) {
      if (this.#client.isGone) return;
      if (share("newLinkShare")) await this.#connect();
      if (share("newIdentityShare")) await this.#begin();
      else if (share("newEpochShare")) this.#raiseEpoch();
      if (this.#unresolved[0]?.underWay === 0 || share("againShare")) this.#sendAgain();
      else if (this.#mayLookBack && draws.chance(context.plan.knobs["earlierShare"] ?? 0)) this.#sendOfEarlierEpoch();
      else if (share("repeatShare")) this.#repeat();
      else if (this.#mayLeaveGap && share("gapShare")) await this.#leaveGap();
      else if (budget.left > 0 && this.#maySend) {
        budget.left--;
        this.#send(this.#next());
      }
      await this.#client.sleep(draws.float() * 2 * knob(context, "pauseMs"));
    }
    await Promise.all(this.#links.map((link) => link.close()));
  }

  get #link(): Cluster {
    return this.#links.at(-1)!;
  }

  /** A broker that knows nothing of a producer takes any sequence as its first: nothing overtakes the first batch. */
  get #maySend(): boolean {
    const first = this.#unresolved[0]?.ordinal ?? this.#batches;
    return this.#batches - first < (this.#acknowledged.length === 0 ? 1 : SPAN_MAX);
  }
  get #mayLeaveGap(): boolean {
    return this.#unresolved.length === 0 && this.#acknowledged.length > 0;
  }

  async #connect(): Promise<void> {
    const { context, io, draws } = this.#client;
    const link = openCluster(io, clientOptions(context));
    this.#links.push(link);
    const [node] = await this.#client.insist(() => link.nodes(io.deadlines.in("find the broker", knob(context, "requestTimeoutMs"))));
    this.#node = node!.id;
    while (this.#links.length > LINKS_MAX || (this.#links.length > 1 && draws.chance(0.5))) await this.#links.shift()!.close();
  }

  /** Under a new producer id, about which nothing is promised together with the one before. */
  async #begin(): Promise<void> {
    const { io, context } = this.#client;
    const reply = await this.#client.insist(async () => {
      const deadline = io.deadlines.in("get a producer id", knob(context, "requestTimeoutMs"));
      const row = await this.#link.call("any", InitProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 }, { deadline });
      if (row.errorCode !== 0) throw new KafkaError(errorName(row.errorCode), "Cannot get a producer id");
      return row;
    });
    this.#giveUp();
    this.#producerId = reply.producerId;
    this.#epoch = this.#firstEpoch = reply.producerEpoch;
    this.#identities++;
  }

  /** As clients do by themselves when they no longer know what is in the log (KIP-360). */
  #raiseEpoch(): void {
    this.#giveUp();
    this.#epoch++;
  }

  #giveUp(): void {
    for (const { tell } of this.#unresolved.splice(0)) tell("unknown", -1);
    this.#acknowledged = [];
    this.#sequence = 0;
  }

  #next(): Sequenced {
    const batch = this.#batchAt(this.#sequence);
    this.#sequence += batch.marks.length;
    this.#batches++;
    this.#unresolved.push(batch);
    return batch;
  }

  #batchAt(sequence: number, epoch = this.#epoch): Sequenced {
    const { context, draws, io } = this.#client;
    const marks = Array.from({ length: 1 + draws.below(3) }, () => context.nextMark());
    const bytes = encodeBatch({
      records: marks.map((mark) => ({
        ...{ timestamp: io.clock.wall() - BACK_MS, key: null, headers: [] },
        value: new TextEncoder().encode(valueOf(mark, draws.skewed(1, knob(context, "valueBytes")))),
      })),
      ...{ producerId: this.#producerId, producerEpoch: epoch, baseSequence: sequence },
    });
    const tells = marks.map((mark) => this.#asks(mark));
    return {
      ...{ ordinal: this.#batches, sequence, epoch, bytes, marks, underWay: 0, offset: -2 },
      tell: (told, baseOffset) => tells.forEach((tell, at) => tell(told, told === "ok" && baseOffset >= 0 ? baseOffset + at : -1)),
    };
  }

  #asks(mark: string): (told: Told, offset: number) => void {
    // One name for each identity: order is a promise to one.
    const client = `${this.#client.name}/${this.#identities}`;
    const event: AskedFor = { kind: "produced", topic: this.#topic, partition: this.#partition, mark, idempotent: true };
    const tell = this.#client.asks((asked) => ({ ...asked, ...event, client, told: "unknown", offset: -1 }));
    return (told, offset) => tell((asked) => ({ ...asked, ...event, client, told, offset }));
  }

  /** The log has something of the present epoch. */
  get #mayLookBack(): boolean {
    return this.#epoch > this.#firstEpoch && this.#acknowledged.length > 0;
  }

  /** As another process of the same producer that has not heard of the present epoch: what it writes next is never taken. */
  #sendOfEarlierEpoch(): void {
    const batch = this.#batchAt(this.#sequence, this.#epoch - 1);
    void this.#ask(batch).then((error) => {
      this.#client.context.world.mark("sim.sequences.earlier_epoch");
      if (error === "NONE") this.#fail(`sequence ${batch.sequence} of epoch ${batch.epoch} was taken although a later epoch had written`);
      batch.tell("unknown", -1);
    });
  }

  #sendAgain(): void {
    for (const batch of this.#unresolved) this.#send(batch);
  }

  #repeat(): void {
    const { draws } = this.#client;
    if (this.#acknowledged.length > 0) this.#send(draws.pick(this.#acknowledged.slice(-REPEATED_MAX)));
  }

  /** A sequence that is not next, while nothing is on its way that could make it next. */
  async #leaveGap(): Promise<void> {
    const { draws, context } = this.#client;
    const batch = this.#batchAt(this.#sequence + 1 + draws.below(4));
    const error = await this.#ask(batch);
    if (error === "NONE") {
      throw new Violation(`${this.#client.name}: a batch with sequence ${batch.sequence} was taken where ${this.#sequence} was next`);
    }
    const isRefused = error === "OUT_OF_ORDER_SEQUENCE_NUMBER";
    batch.tell(isRefused ? "failed" : "unknown", -1);
    if (isRefused) context.world.mark("sim.sequences.gap_refused");
    // It may still be on its way, and one day be next.
    else this.#raiseEpoch();
  }

  #send(batch: Sequenced): void {
    // Everything before it was known to be in the log when it left, so it is next, or there already, whatever overtook it.
    const isDue = this.#unresolved[0] === batch;
    void this.#ask(batch).then((error) => this.#answered(batch, error, isDue), (error: unknown) => this.#client.world.fail(String(error)));
  }

  #answered(batch: Sequenced, error: KafkaErrorName | null, isDue: boolean): void {
    const { context } = this.#client;
    const isCurrent = batch.epoch === this.#epoch && (this.#unresolved.includes(batch) || this.#acknowledged.includes(batch));
    if (this.#client.isGone || !isCurrent || error === null) return;
    if (error === "NONE" || error === "DUPLICATE_SEQUENCE_NUMBER") return this.#resolve(batch);
    if (error === "OUT_OF_ORDER_SEQUENCE_NUMBER") {
      // An old request of one that is in the log by now may have come too late to be known again.
      if (isDue && this.#unresolved.includes(batch)) {
        this.#fail(`sequence ${batch.sequence} was refused although everything before it is in the log`);
      }
      return context.world.mark("sim.sequences.refused");
    }
    // Anything else may pass.
    if (!new KafkaError(error, "").retriable) this.#fail(`sequence ${batch.sequence} was answered with ${error}`);
  }

  #resolve(batch: Sequenced): void {
    const { context } = this.#client;
    const at = this.#unresolved.indexOf(batch);
    if (at < 0) return;
    // Whatever came before is in the log too, or this one would not be: but nobody has said where.
    this.#unresolved.splice(at, 1);
    this.#acknowledged.push(batch);
    for (const mark of batch.marks) {
      if (!context.isDurable(mark)) this.#fail(`law 3: ${mark} was acknowledged and is not durable`);
    }
    batch.tell("ok", batch.offset);
    context.count("acknowledged", batch.marks.length);
  }

  /** @returns null when no answer came. */
  async #ask(batch: Sequenced): Promise<KafkaErrorName | null> {
    const { io, context } = this.#client;
    const timeoutMs = knob(context, "requestTimeoutMs");
    const topicData = [{ name: this.#topic, topicId: ZERO_UUID, partitionData: [{ index: this.#partition, records: batch.bytes }] }];
    batch.underWay++;
    try {
      const request = { acks: -1, timeoutMs, topicData };
      const options = { deadline: io.deadlines.in("produce", timeoutMs), maxVersion: BY_NAME_MAX };
      const reply = await this.#link.call(this.#node, Produce, request, options);
      const { errorCode, baseOffset } = reply.responses[0]!.partitionResponses[0]!;
      if (errorCode === 0) this.#place(batch, baseOffset);
      return errorName(errorCode);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return null;
    } finally {
      batch.underWay--;
    }
  }

  #place(batch: Sequenced, baseOffset: number): void {
    if (baseOffset < 0) return;
    if (batch.offset >= 0 && batch.offset !== baseOffset) {
      this.#fail(`sequence ${batch.sequence} was said to be at offset ${batch.offset} and at ${baseOffset}`);
    }
    batch.offset = baseOffset;
  }

  #fail(why: string): void {
    if (!this.#client.isGone) {
      this.#client.world.fail(
        `${this.#client.name} at ${this.#topic}-${this.#partition}, producer ${this.#producerId}, epoch ${this.#epoch}: ${why}`,
      );
    }
  }
}

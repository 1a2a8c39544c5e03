/** One process of the pipeline workload: requests of all kinds on its connection without waiting for the replies before. */
import {
  type AnyApi,
  ApiVersions,
  Fetch,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  ListOffsets,
  Metadata,
  Produce,
} from "../../protocol/mod.ts";
import type { Told } from "../history.ts";
import type { Client } from "./client.ts";
import { knob } from "./knobs.ts";
import { FETCH_BY_NAME_MAX, fetchRequest, PRODUCE_BY_NAME_MAX, produceRequest, sawRecords, toldByProduce } from "./plain_requests.ts";
import type { Budget } from "./producing.ts";
import { valueOf } from "./values.ts";
import { WireConnection } from "./wire.ts";

const LATEST = -1;
/** Up to this version a member may join without an id that it was given before. */
const JOIN_AT_ONCE_MAX = 3;
const GROUP = "pipeline";

export class PipelineClient {
  readonly #client: Client;
  readonly #topic: string;
  #connection: WireConnection | null = null;
  #connections = 0;
  #lastAskedAt = 0;
  /** By partition: as far as it knows. */
  readonly #ends = new Map<number, number>();
  readonly #unsettled = new Set<Promise<void>>();

  constructor(client: Client, topic: string) {
    this.#client = client;
    this.#topic = topic;
  }

  /** Ends when everything that it sent has been answered, or its connection is gone. */
  async run(budget: Budget): Promise<void> {
    const { context, draws } = this.#client;
    while (budget.left > 0) {
      const connection = await this.#connected();
      for (let left = 1 + draws.below(knob(context, "together")); left > 0 && budget.left > 0; left--) {
        if (connection.isClosed || connection.underWay >= knob(context, "inFlightMax")) break;
        budget.left--;
        this.#lastAskedAt = this.#client.world.now;
        this.#send(connection, this.#choose());
      }
      if (draws.chance(knob(context, "throwAwayShare"))) connection.close();
      await this.#pause(connection);
    }
    const last = this.#connection;
    if (last !== null) await this.#answered(last);
    await Promise.all(this.#unsettled);
    last?.close();
  }

  async #connected(): Promise<WireConnection> {
    const { context, draws } = this.#client;
    while (this.#connection === null || this.#connection.isClosed) {
      const [host, port] = draws.pick(context.bootstrap).split(":");
      const name = `${this.#client.name}/${++this.#connections}`;
      const address = { host: host!, port: Number(port) };
      this.#connection = await WireConnection.open(this.#client, address, name, knob(context, "connectTimeoutMs"));
      if (this.#connection === null) await this.#client.sleep(100);
    }
    return this.#connection;
  }

  /** Some time, or until there is room for another request. */
  async #pause(connection: WireConnection): Promise<void> {
    const { context, draws } = this.#client;
    await this.#client.sleep(draws.float() * 2 * knob(context, "pauseMs"));
    const most = knob(context, "inFlightMax");
    while (!connection.isClosed && connection.underWay >= most) await this.#progress(connection);
  }

  async #answered(connection: WireConnection): Promise<void> {
    while (!connection.isClosed && connection.underWay > 0) await this.#progress(connection);
  }

  /** Whose patience ends takes a new connection: nobody knows what becomes of what was asked on the old one. */
  async #progress(connection: WireConnection): Promise<void> {
    const patienceMs = knob(this.#client.context, "patienceMs");
    if (patienceMs === 0) return await connection.progress();
    const left = this.#lastAskedAt + patienceMs - this.#client.world.now;
    if (left <= 0) return connection.close();
    await Promise.race([connection.progress(), this.#client.sleep(left + 1)]);
  }

  #choose(): keyof typeof SHARES {
    const { draws, context } = this.#client;
    const kinds = Object.keys(SHARES) as (keyof typeof SHARES)[];
    let at = draws.float() * kinds.reduce((sum, kind) => sum + knob(context, SHARES[kind]), 0);
    return kinds.find((kind) => (at -= knob(context, SHARES[kind])) < 0) ?? "produce";
  }

  #send(connection: WireConnection, kind: keyof typeof SHARES): void {
    const settled = this.#ask(connection, kind).then(() => void this.#unsettled.delete(settled));
    this.#unsettled.add(settled);
  }

  #ask(connection: WireConnection, kind: keyof typeof SHARES): Promise<void> {
    const partition = this.#client.draws.below(knob(this.#client.context, "partitions"));
    switch (kind) {
      case "produce":
        return this.#produce(connection, partition);
      case "fetch":
        return this.#fetchRecords(connection, partition);
      case "list":
        return this.#listOffsets(connection, partition);
      case "join":
        return this.#join(connection);
      case "small":
        return this.#small(connection);
    }
  }

  async #produce(connection: WireConnection, partition: number): Promise<void> {
    const { context, draws } = this.#client;
    const topic = this.#topic;
    const mark = context.nextMark();
    // Sent once, in a row with the others of its connection: what is promised to idempotent producers holds of itself.
    const client = `${this.#client.name}/${this.#connections}`;
    const event = { kind: "produced", topic, partition, mark, idempotent: true } as const;
    const tell = this.#client.asks((asked) => ({ ...asked, ...event, client, told: "unknown", offset: -1 }));
    const acks = draws.pick([-1, -1, -1, 1, 0]);
    const value = valueOf(mark, draws.skewed(1, knob(context, "valueBytes")));
    const request = produceRequest(this.#client, topic, partition, value, acks, knob(context, "timeoutMs"));
    let [told, offset]: [Told, number] = ["unknown", -1];
    if (acks === 0) connection.tell(Produce, this.#version(Produce, PRODUCE_BY_NAME_MAX), request);
    else {
      const reply = await connection.ask(Produce, this.#version(Produce, PRODUCE_BY_NAME_MAX), request);
      if (reply !== null) [told, offset] = toldByProduce(reply);
    }
    if (told === "ok") {
      if (!context.isDurable(mark)) this.#client.world.fail(`law 3: ${mark} was acknowledged to ${client} and is not durable`);
      this.#know(partition, offset + 1);
    }
    tell((asked) => ({ ...asked, ...event, client, told, offset }));
    context.count(told === "ok" ? "acknowledged" : told);
  }

  async #fetchRecords(connection: WireConnection, partition: number): Promise<void> {
    const { context, draws, world } = this.#client;
    const askedAt = world.now;
    const end = this.#ends.get(partition) ?? 0;
    const offset = draws.chance(0.6) ? end : draws.below(end + 1);
    const request = fetchRequest(this.#topic, partition, offset, {
      maxWaitMs: knob(context, "waitMs"),
      minBytes: draws.pick([1, 1, 1, 1_000]),
      bytesMax: 1 + draws.below(20_000),
    });
    const row = (await connection.ask(Fetch, this.#version(Fetch, FETCH_BY_NAME_MAX), request))?.responses[0]?.partitions[0];
    if (row?.errorCode !== 0) return;
    this.#toldEnd(partition, row.highWatermark, askedAt);
    if (row.records !== null) sawRecords(this.#client, { topic: this.#topic, partition, offset, isKept: true }, row.records, askedAt);
  }

  async #listOffsets(connection: WireConnection, partition: number): Promise<void> {
    const askedAt = this.#client.world.now;
    const topics = [{ name: this.#topic, partitions: [{ partitionIndex: partition, timestamp: LATEST }] }];
    const request = { replicaId: -1, topics, timeoutMs: knob(this.#client.context, "timeoutMs") };
    const row = (await connection.ask(ListOffsets, this.#version(ListOffsets), request))?.topics[0]?.partitions[0];
    if (row?.errorCode === 0) this.#toldEnd(partition, row.offset, askedAt);
  }

  /** A member that never asks for its assignment: others wait for it, and it for others, until their time is over. */
  async #join(connection: WireConnection): Promise<void> {
    const { context } = this.#client;
    await connection.ask(JoinGroup, this.#version(JoinGroup, JOIN_AT_ONCE_MAX), {
      ...{ groupId: GROUP, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: knob(context, "waitMs"), memberId: "", protocolType: "consumer" },
      protocols: [{ name: "range", metadata: new Uint8Array(0) }],
    });
  }

  /** What is answered at once, behind those that wait. */
  async #small(connection: WireConnection): Promise<void> {
    switch (this.#client.draws.below(4)) {
      case 0:
        return void await connection.ask(ApiVersions, this.#version(ApiVersions), {
          clientSoftwareName: "pipeline",
          clientSoftwareVersion: "1",
        });
      case 1:
        return void await connection.ask(Metadata, this.#version(Metadata, 9, 4), { topics: null, allowAutoTopicCreation: false });
      case 2:
        return void await connection.ask(FindCoordinator, this.#version(FindCoordinator, 3), { key: GROUP, keyType: 0 });
      default:
        return void await connection.ask(Heartbeat, this.#version(Heartbeat), { groupId: GROUP, generationId: 1, memberId: "nobody" });
    }
  }

  #toldEnd(partition: number, offset: number, askedAt: number): void {
    this.#know(partition, offset);
    this.#client.saw((asked) => ({ ...asked, kind: "ended", topic: this.#topic, partition, offset }), askedAt);
  }

  #know(partition: number, end: number): void {
    this.#ends.set(partition, Math.max(end, this.#ends.get(partition) ?? 0));
  }

  #version({ minVersion, maxVersion }: AnyApi, most = maxVersion, least = minVersion): number {
    return least + this.#client.draws.below(Math.min(most, maxVersion) - least + 1);
  }
}

/** By kind of request: the knob with its share. */
const SHARES = { produce: "produceShare", fetch: "fetchShare", list: "listShare", small: "smallShare", join: "joinShare" } as const;

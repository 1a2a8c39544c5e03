/** Topics, records and groups through the HTTP door: every operation goes into the same history as what is asked over Kafka's protocol. */
import type { Changed } from "../history.ts";
import type { Client } from "./client.ts";
import { type Ask, HttpDoor, type Outcome } from "./http_door.ts";
import { startsAt } from "./admin_recorders.ts";
import { sawStart } from "./plain_requests.ts";
import { valueOf } from "./values.ts";

const PAGE = "limit=1000";

export class HttpAdmin {
  readonly door: HttpDoor;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
    this.door = new HttpDoor(client);
  }

  createTopic(topic: string, partitions: number, configs: Readonly<Record<string, string>>): Promise<Outcome> {
    const detail = Object.entries(configs).map(([name, value]) => `${name}=${value}`).join(" ");
    const change = { change: "createTopic", topic, partition: partitions, detail } as const;
    // Either of the two ways; one that finds the topic as it is to be has made nothing.
    if (this.#client.draws.chance(0.5)) {
      return this.#change(change, { method: "POST", path: "/v1/topics", body: { topics: [{ name: topic, partitions, configs }] } });
    }
    return this.#change(
      change,
      { method: "PUT", path: `/v1/topics/${topic}`, body: { partitions, configs } },
      ({ answer }) => answer?.status !== 200,
    );
  }

  deleteTopic(topic: string): Promise<Outcome> {
    return this.#change({ change: "deleteTopic", topic, partition: 0, detail: "" }, { method: "DELETE", path: `/v1/topics/${topic}` });
  }

  growTopic(topic: string, count: number): Promise<Outcome> {
    const change = { change: "createPartitions", topic, partition: count, detail: "" } as const;
    return this.#change(change, { method: "PUT", path: `/v1/topics/${topic}/partitions`, body: { count } });
  }

  /** @param value null: the topic is not to have it itself any more. */
  alterConfig(topic: string, name: string, value: string | null): Promise<Outcome> {
    const change = { change: "alterConfig", topic, partition: 0, detail: `${name}=${value ?? ""}` } as const;
    const body = value === null ? { remove: [name] } : { set: { [name]: value } };
    return this.#change(change, { method: "PATCH", path: `/v1/topics/${topic}/configs`, body });
  }

  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    const change = { change: "deleteRecords", topic, partition, detail: String(before) } as const;
    const path = `/v1/topics/${topic}/partitions/${partition}/records?before=${before}`;
    const askedAt = this.#client.world.now;
    const { told, answer } = await this.#change(change, { method: "DELETE", path });
    if (told === "ok") startsAt(this.#client, { topic, partition, asked: before, told: answer!.body.startOffset }, askedAt);
  }

  deleteGroup(group: string): Promise<Outcome> {
    return this.#change({ change: "deleteGroup", topic: group, partition: 0, detail: "" }, {
      method: "DELETE",
      path: `/v1/groups/${group}`,
    });
  }

  async listTopics(): Promise<void> {
    const askedAt = this.#client.world.now;
    const answer = await this.door.get(`/v1/topics?${PAGE}`);
    if (answer?.status !== 200) return;
    const topics: Readonly<Record<string, number>> = Object.fromEntries(
      answer.body.topics.map(({ name, partitionCount }: { name: string; partitionCount: number }) => [name, partitionCount]),
    );
    this.#client.saw((asked) => ({ ...asked, kind: "listed", topics }), askedAt);
  }

  /** Its settings, and where its partitions end. @returns their ends; null when nobody says. */
  async showTopic(topic: string): Promise<readonly number[] | null> {
    const askedAt = this.#client.world.now;
    const answer = await this.door.get(`/v1/topics/${topic}?${PAGE}`);
    if (answer?.status !== 200) return null;
    this.#client.saw((asked) => ({ ...asked, kind: "described", topic, configs: answer.body.configs }), askedAt);
    const ends: readonly number[] = answer.body.partitions.map(({ highWatermark }: { highWatermark: number | null }) => highWatermark ?? 0);
    for (const [partition, offset] of ends.entries()) {
      const { highWatermark, startOffset } = answer.body.partitions[partition];
      if (highWatermark === null) continue;
      this.#client.saw((asked) => ({ ...asked, kind: "ended", topic, partition, offset }), askedAt);
      sawStart(this.#client, topic, partition, startOffset, askedAt);
    }
    return ends;
  }

  /**
   * One record. @returns its outcome, for who asks again.
   * @param againUnder names a request that will be sent again, whatever its answer: by then the broker may be another process, which knows no key.
   */
  async produce(topic: string, partition: number, againUnder?: string): Promise<{ readonly ask: Ask; readonly outcome: Outcome }> {
    const key = againUnder ?? this.door.newKey();
    const { context, draws, world } = this.#client;
    const mark = context.nextMark();
    const event = { kind: "produced", topic, partition, mark } as const;
    const tell = this.#client.asks((asked) => ({ ...asked, ...event, told: "unknown", offset: -1, idempotent: false }));
    const body = { records: [{ partition, value: { format: "text", data: valueOf(mark, draws.skewed(1, 500)) } }] };
    const ask = { method: "POST", path: `/v1/topics/${topic}/records`, body } as const;
    const outcome = await this.door.change(ask, key);
    const { told, answer, isOnce } = outcome;
    if (told === "ok" && !context.isDurable(mark)) {
      world.fail(`law 3: ${mark} was acknowledged to ${this.#client.name} over HTTP and is not durable`);
    }
    const offset = told === "ok" ? answer!.body.results[0].offset : -1;
    // Of its own name: no order is promised between two requests.
    tell((asked) => ({
      ...asked,
      ...event,
      client: `${this.#client.name}/${key}`,
      told,
      offset,
      idempotent: isOnce && againUnder === undefined,
    }));
    context.count(told === "ok" ? "acknowledged" : told);
    return { ask, outcome };
  }

  /** @param offset in the partition's log: the nearest one in it would be taken. */
  async resetOffset(group: string, topic: string, partition: number, offset: number): Promise<void> {
    const event = { kind: "committed", group, member: "", generation: -1, topic, partition, offset } as const;
    const tell = this.#client.asks((asked) => ({ ...asked, ...event, told: "unknown" }));
    const body = { to: { kind: "offset", offset }, topics: [{ topic, partitions: [partition] }] };
    const { told, answer } = await this.door.change({ method: "POST", path: `/v1/groups/${group}/offsets/reset`, body });
    if (told === "ok" && answer!.body.offsets[0].after !== offset) {
      this.#client.world.fail(`${topic}-${partition}: was reset to ${answer!.body.offsets[0].after}, but ${offset} is in its log`);
    }
    tell((asked) => ({ ...asked, ...event, told }));
    if (told === "ok") this.#client.context.count("committed");
  }

  /** A group that is not there has committed nothing. */
  async showOffsets(group: string, topic: string, partitions: number): Promise<void> {
    const askedAt = this.#client.world.now;
    const answer = await this.door.get(`/v1/groups/${group}/offsets?topic=${topic}&${PAGE}`);
    if (answer === null || (answer.status !== 200 && answer.status !== 404)) return;
    const rows: readonly { partition: number; committedOffset: number }[] = answer.status === 404 ? [] : answer.body.offsets;
    for (let partition = 0; partition < partitions; partition++) {
      const offset = rows.find((row) => row.partition === partition)?.committedOffset ?? -1;
      this.#client.saw((asked) => ({ ...asked, kind: "fetched", group, topic, partition, offset }), askedAt);
    }
  }

  /** @param isDone of what was answered with success: false when that says that there was nothing to do. */
  async #change(
    change: Pick<Changed, "change" | "topic" | "partition" | "detail">,
    ask: Ask,
    isDone: (outcome: Outcome) => boolean = () => true,
  ): Promise<Outcome> {
    const askedAt = this.#client.world.now;
    const tell = this.#client.asks((asked) => ({ ...asked, kind: "changed", ...change, told: "unknown" }));
    const outcome = await this.door.change(ask);
    if (outcome.mayComeLate) this.#client.saw((asked) => ({ ...asked, kind: "changed", ...change, told: "unknown" }), askedAt);
    const told = outcome.told !== "ok" || isDone(outcome) ? outcome.told : outcome.isOnce ? "failed" : "unknown";
    tell((asked) => ({ ...asked, kind: "changed", ...change, told }));
    if (told === "ok") this.#client.context.count("changed");
    return outcome;
  }
}

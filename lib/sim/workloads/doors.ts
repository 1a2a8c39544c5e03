/**
 * One topic, one group and one log's beginning, changed and looked at through both doors of the broker, Kafka's protocol and HTTP, by the same clients: what
 * one of them acknowledged the other one shows. And a request that is sent again under its idempotency key is not done again.
 */
import { type AdminApi, type Cluster, KafkaError, openAdmin, openCluster } from "../../client/mod.ts";
import { ApiVersions } from "../../protocol/mod.ts";
import { namedOracles, RECORD_RULES } from "../oracles/mod.ts";
import { ADMIN_RECORDERS } from "./admin_recorders.ts";
import { type Client, live } from "./client.ts";
import { HttpAdmin } from "./http_admin.ts";
import { clientKnobs, clientOptions, knob, lifeKnobs, livesOf, paceMs, patientOptions, whole } from "./knobs.ts";
import { fetchOnce, produceOnce } from "./plain_requests.ts";
import type { Budget } from "./producing.ts";
import { readWhole } from "./reading.ts";
import { GROUP_RECORDERS, recordedCluster } from "./recorded_cluster.ts";
import { makeTopic, partitionsOf } from "./set_up.ts";
import type { Workload } from "./types.ts";
import { WireConnection } from "./wire.ts";

const KIND = "doors";
/** Offsets are committed of the one, the other one loses its beginning. */
const TOPIC = "doors";
const CUT = "doors-cut";
/** Nobody does anything to them: there is something to list. */
const OTHER = "doors-other";
const GROUP = "doors-group";
const RECORDERS = new Map([...ADMIN_RECORDERS, ...GROUP_RECORDERS]);

export const doors: Workload = {
  kind: KIND,

  plan(draws) {
    const operations = whole(draws.skewed(20, 80));
    return {
      kind: KIND,
      clients: 1 + draws.below(3),
      operations,
      knobs: {
        ...clientKnobs(draws),
        ...lifeKnobs(draws, 0.2),
        httpShare: draws.between(0.3, 0.9),
        partitions: 1 + draws.below(2),
        others: draws.below(4),
        pauseMs: paceMs(draws, operations, 800),
      },
    };
  },

  async run(context) {
    const partitions = knob(context, "partitions");
    await live(context, "doors-maker", async (client) => {
      await makeTopic(client, TOPIC, partitions);
      await makeTopic(client, CUT, partitions);
      for (let at = 1; at <= (context.plan.knobs["others"] ?? 0); at++) await makeTopic(client, `${OTHER}${at}`, 1);
    });
    await Promise.all(Array.from({ length: context.plan.clients }, (_, at) => {
      const budget = { left: context.plan.operations };
      return live(context, `doors-client${at}`, (client) => new DoorClient(client).run(budget), livesOf(context));
    }));
  },

  finish: (context, reader) =>
    live(context, `doors-${reader}`, async (client) => {
      const partitions = partitionsOf(TOPIC, knob(context, "partitions"));
      await readWhole(client, [...partitions, ...partitionsOf(CUT, partitions.length)], reader);
      const admin = openAdmin(client.io, patientOptions(context), recordedCluster(client, openCluster(client.io, patientOptions(context))));
      await client.insist(() => admin.listGroupOffsets(GROUP, partitions));
      await admin.close();
      const http = new HttpAdmin(client);
      await http.showOffsets(GROUP, TOPIC, partitions.length);
      await http.showTopic(TOPIC);
    }),

  oracles: namedOracles([...RECORD_RULES, "read-of-deleted", "committed-offsets", "topic-lists"]),
};

/** How often somebody looks at once whether what was acknowledged shows. */
const LOOK_SHARE = 0.5;

/** A question that is not answered while the broker is away is not asked again; what was told is in the history. */
function mayFail(error: unknown): null {
  if (error instanceof KafkaError) return null;
  throw error;
}

class DoorClient {
  readonly #client: Client;
  readonly #http: HttpAdmin;
  readonly #cluster: Cluster;
  readonly #admin: AdminApi;

  constructor(client: Client) {
    const { io, context } = client;
    this.#client = client;
    this.#http = new HttpAdmin(client);
    this.#cluster = openCluster(io, clientOptions(context));
    this.#admin = openAdmin(io, clientOptions(context), recordedCluster(client, openCluster(io, clientOptions(context)), RECORDERS));
  }

  async run(budget: Budget): Promise<void> {
    const { context, draws } = this.#client;
    while (budget.left > 0) {
      budget.left--;
      const partition = draws.below(knob(context, "partitions"));
      if (draws.chance(knob(context, "httpShare"))) await this.#overHttp(partition);
      else await this.#overKafka(partition).catch(mayFail);
      await this.#client.sleep(draws.float() * 2 * knob(context, "pauseMs"));
    }
    await this.#admin.close();
    await this.#cluster.close();
  }

  async #overHttp(partition: number): Promise<unknown> {
    const { draws, context } = this.#client;
    const http = this.#http;
    switch (draws.below(8)) {
      case 0:
        return await http.showTopic(draws.pick([TOPIC, CUT]));
      case 1:
        return await http.listTopics();
      case 2:
        return await this.#cut(partition, (before) => http.deleteRecords(CUT, partition, before));
      case 3:
        return await this.#commit(partition, (offset) => http.resetOffset(GROUP, TOPIC, partition, offset));
      case 4:
        return await http.showOffsets(GROUP, TOPIC, knob(context, "partitions"));
      case 5:
        return draws.chance(0.3) ? await http.deleteGroup(GROUP) : await this.#twice(partition);
      default:
        return await http.produce(draws.pick([TOPIC, CUT]), partition);
    }
  }

  async #overKafka(partition: number): Promise<unknown> {
    const { draws } = this.#client;
    const admin = this.#admin;
    switch (draws.below(6)) {
      case 0:
        return await fetchOnce(this.#client, this.#cluster, CUT, partition, draws.below(10));
      case 1:
        return await this.#cut(partition, (offset) => admin.deleteRecords([{ topic: CUT, partition, offset }]));
      case 2:
        return await this.#commit(partition, (offset) => admin.alterGroupOffsets(GROUP, [{ topic: TOPIC, partition, offset }]));
      case 3:
        return await admin.listGroupOffsets(GROUP, [{ topic: TOPIC, partition }]);
      case 4:
        return draws.chance(0.3) ? await admin.deleteGroups([GROUP]) : null;
      default:
        return await produceOnce(this.#client, this.#cluster, draws.pick([TOPIC, CUT]), partition);
    }
  }

  /** Up to an offset that is there by now. */
  async #cut(partition: number, cut: (offset: number) => Promise<unknown>): Promise<void> {
    const end = await this.#endOf(CUT, partition);
    if (end === null) return;
    const { draws } = this.#client;
    const offset = draws.below(end + 1);
    await cut(offset);
    if (draws.chance(LOOK_SHARE)) await fetchOnce(this.#client, this.#cluster, CUT, partition, Math.max(0, offset - draws.below(2)));
  }

  async #commit(partition: number, commit: (offset: number) => Promise<unknown>): Promise<void> {
    const end = await this.#endOf(TOPIC, partition);
    if (end === null) return;
    const { draws, context } = this.#client;
    await commit(draws.below(end + 1));
    if (!draws.chance(LOOK_SHARE)) return;
    if (draws.chance(0.5)) await this.#http.showOffsets(GROUP, TOPIC, knob(context, "partitions"));
    else await this.#admin.listGroupOffsets(GROUP, [{ topic: TOPIC, partition }]).catch(mayFail);
  }

  /** As one of the doors says. */
  async #endOf(topic: string, partition: number): Promise<number | null> {
    if (this.#client.draws.chance(0.5)) return (await this.#http.showTopic(topic))?.[partition] ?? null;
    const rows = await this.#admin.listOffsets([{ topic, partition, position: "latest" }]).catch(mayFail);
    const row = rows?.[0];
    return row?.ok === true ? row.value : null;
  }

  /** The same request under the same key: the node that has answered it answers the same again, and writes nothing. */
  async #twice(partition: number): Promise<void> {
    const witness = await this.#witness();
    const key = this.#http.door.newKey();
    const { ask, outcome: { told, answer } } = await this.#http.produce(TOPIC, partition, key);
    const again = told === "ok" ? await this.#http.door.ask(ask, key) : null;
    const isSameNode = witness !== null && await isAnswered(witness);
    witness?.close();
    if (!isSameNode || again === null || again === "refused") return;
    this.#client.world.mark("sim.doors.asked_twice");
    if (again.isReplayed && JSON.stringify(again.body) === JSON.stringify(answer!.body)) return;
    this.#client.world.fail(
      `idempotency: the request with the key ${key} was answered with ${answer!.status}, and again with ${again.status}`,
    );
  }

  /** A connection that does not outlive the process at its other end; null when there is none. */
  async #witness(): Promise<WireConnection | null> {
    const [host, port] = this.#client.context.bootstrap[0]!.split(":");
    const name = `${this.#client.name}-witness`;
    const timeoutMs = knob(this.#client.context, "connectTimeoutMs");
    const witness = await WireConnection.open(this.#client, { host: host!, port: Number(port) }, name, timeoutMs);
    return witness !== null && await isAnswered(witness) ? witness : null;
  }
}

async function isAnswered(connection: WireConnection): Promise<boolean> {
  return await connection.ask(ApiVersions, 0, { clientSoftwareName: "", clientSoftwareVersion: "" }) !== null;
}

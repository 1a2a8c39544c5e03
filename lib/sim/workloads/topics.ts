/**
 * Administrators that make, delete, grow and change the same few topics at the same time, while others write to them, read, and commit how far: what was
 * acknowledged is seen by everybody who asks afterwards, and of a deleted topic nothing comes back, nor what was committed of it.
 */
import { type AdminApi, type Cluster, KafkaError, openAdmin, openCluster } from "../../client/mod.ts";
import { namedOracles } from "../oracles/mod.ts";
import { ADMIN_RECORDERS } from "./admin_recorders.ts";
import { type Client, live } from "./client.ts";
import { HttpAdmin } from "./http_admin.ts";
import { clientKnobs, clientOptions, knob, lifeKnobs, livesOf, paceMs, patientOptions, whole } from "./knobs.ts";
import { fetchOnce, listOnce, produceOnce } from "./plain_requests.ts";
import type { Budget } from "./producing.ts";
import { readWhole } from "./reading.ts";
import { GROUP_RECORDERS, recordedCluster } from "./recorded_cluster.ts";
import { partitionsOf } from "./set_up.ts";
import type { Workload } from "./types.ts";

const KIND = "topics";
const SETTING = "max.message.bytes";
const RECORDERS = new Map([...ADMIN_RECORDERS, ...GROUP_RECORDERS]);
const PARTITIONS_MAX = 4;
const GROUP = "topics";
const COMMITTED_MAX = 1_000;
/** What was asked for last may still be on its way when everybody has gone. */
const SETTLED_AFTER_MS = 3_000;

const nameOf = (at: number): string => `topic${at}`;

export const topics: Workload = {
  kind: KIND,

  plan(draws) {
    const operations = whole(draws.skewed(10, 120));
    return {
      kind: KIND,
      clients: 1 + draws.below(4),
      operations,
      knobs: {
        ...clientKnobs(draws),
        ...lifeKnobs(draws, 0.2),
        names: 1 + draws.below(4),
        pauseMs: paceMs(draws, operations, 500),
        httpShare: draws.chance(0.2) ? draws.between(0.2, 0.9) : 0,
        createShare: draws.float(),
        deleteShare: draws.float(),
        growShare: draws.float(),
        alterShare: draws.float(),
        describeShare: draws.float(),
        listShare: draws.float(),
        produceShare: 2 * draws.float(),
        readShare: draws.float(),
        commitShare: draws.chance(0.5) ? draws.float() : 0,
        committedShare: draws.float(),
      },
    };
  },

  async run(context) {
    await Promise.all(Array.from({ length: context.plan.clients }, (_, at) => {
      const budget = { left: context.plan.operations };
      return live(context, `topics-admin${at}`, (client) => administer(client, budget), livesOf(context));
    }));
  },

  async finish(context, reader) {
    await live(context, `topics-${reader}`, async (client) => {
      await client.sleep(SETTLED_AFTER_MS);
      const cluster = openCluster(client.io, patientOptions(context));
      let listed: ReadonlyMap<string, number> | null = null;
      while (listed === null) listed = await listOnce(client, cluster);
      await cluster.close();
      for (let at = 0; at < knob(context, "names"); at++) {
        const count = listed.get(nameOf(at));
        if (count !== undefined) await readWhole(client, partitionsOf(nameOf(at), count), reader);
      }
    });
  },

  oracles: namedOracles([
    "lost-write",
    "unread-log",
    "refused-write",
    "duplicate",
    "invented-record",
    "inconsistent-offsets",
    "dense-offsets",
    "read-of-deleted",
    "topic-lists",
    "topic-lives",
    "topic-configs",
    "committed-offsets",
  ]),
};

async function administer(client: Client, budget: Budget): Promise<void> {
  const { context, draws, io } = client;
  const cluster = openCluster(io, clientOptions(context));
  const admin = openAdmin(io, clientOptions(context), recordedCluster(client, openCluster(io, clientOptions(context)), RECORDERS));
  const http = new HttpAdmin(client);
  while (budget.left > 0) {
    budget.left--;
    const topic = nameOf(draws.below(knob(context, "names")));
    const way = draws.chance(context.plan.knobs["httpShare"] ?? 0)
      ? stepOverHttp(client, http, topic)
      : step(client, admin, cluster, topic);
    await way.catch((error: unknown) => {
      // What the wire said is in the history; some questions go unanswered while the broker is away.
      if (!(error instanceof KafkaError)) throw error;
    });
    await client.sleep(draws.float() * 2 * knob(context, "pauseMs"));
  }
  await admin.close();
  await cluster.close();
}

async function step(client: Client, admin: AdminApi, cluster: Cluster, topic: string): Promise<void> {
  const { draws } = client;
  const partition = draws.below(PARTITIONS_MAX);
  switch (choose(client)) {
    case "create": {
      const configs = draws.chance(0.5) ? { [SETTING]: String(100_000 + draws.below(9)) } : {};
      return void await admin.createTopics([{ name: topic, partitions: 1 + partition, configs }]);
    }
    case "delete":
      return void await admin.deleteTopics([topic]);
    case "grow":
      return void await admin.createPartitions({ [topic]: 1 + partition });
    case "alter": {
      const change = draws.chance(0.2)
        ? { name: SETTING, operation: "delete" as const }
        : { name: SETTING, operation: "set" as const, value: String(100_000 + draws.below(9)) };
      return void await admin.alterConfigs([{ resource: { type: "topic", name: topic }, changes: [change] }]);
    }
    case "describe":
      return void await admin.describeConfigs([{ type: "topic", name: topic }]);
    case "list":
      return void await listOnce(client, cluster);
    case "produce":
      return await produceOnce(client, cluster, topic, partition);
    case "read":
      return void await fetchOnce(client, cluster, topic, partition, draws.chance(0.8) ? 0 : draws.below(10));
    case "commit":
      return void await admin.alterGroupOffsets(GROUP, [{ topic, partition, offset: draws.below(COMMITTED_MAX) }]);
    case "committed":
      return void await admin.listGroupOffsets(GROUP, [{ topic, partition }]);
  }
}

/** The same through the other door, as far as it has it; the rest is asked for over Kafka's protocol. */
async function stepOverHttp(client: Client, http: HttpAdmin, topic: string): Promise<void> {
  const { draws } = client;
  const partition = draws.below(PARTITIONS_MAX);
  switch (choose(client)) {
    case "create":
      return void await http.createTopic(topic, 1 + partition, draws.chance(0.5) ? { [SETTING]: String(100_000 + draws.below(9)) } : {});
    case "delete":
      return void await http.deleteTopic(topic);
    case "grow":
      return void await http.growTopic(topic, 1 + partition);
    case "alter":
      return void await http.alterConfig(topic, SETTING, draws.chance(0.2) ? null : String(100_000 + draws.below(9)));
    case "produce":
      return void await http.produce(topic, partition);
    case "list":
      return await http.listTopics();
    case "commit":
      // One that is in every log.
      return void await http.resetOffset(GROUP, topic, partition, 0);
    case "committed":
      return void await http.showOffsets(GROUP, topic, PARTITIONS_MAX);
    case "describe":
    case "read":
      return void await http.showTopic(topic);
  }
}

const ACTIONS = ["create", "delete", "grow", "alter", "describe", "list", "produce", "read", "commit", "committed"] as const;

function choose({ draws, context }: Client): typeof ACTIONS[number] {
  const shares = ACTIONS.map((action) => context.plan.knobs[`${action}Share`] ?? 0);
  let at = draws.float() * shares.reduce((sum, share) => sum + share, 0);
  return ACTIONS.find((_, i) => (at -= shares[i]!) < 0) ?? "list";
}

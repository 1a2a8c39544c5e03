/**
 * Members of a group that come, go, crash, dawdle and come back, static and not, while records are written: every partition has one owner in a
 * generation, who was fenced commits nothing, and in the end the group has read everything and has committed it.
 */
import {
  type Assignor,
  type ConsumerApi,
  KafkaError,
  openAdmin,
  openCluster,
  openConsumer,
  type TopicPartition,
} from "../../client/mod.ts";
import { OffsetCommit, ZERO_UUID } from "../../protocol/mod.ts";
import type { Assigned } from "../history.ts";
import { namedOracles, RECORD_RULES } from "../oracles/mod.ts";
import { type Client, inCompany, live } from "./client.ts";
import { clientKnobs, clientOptions, knob, lifeKnobs, livesOf, patientOptions, whole } from "./knobs.ts";
import { type Budget, produceAll, producerKnobs } from "./producing.ts";
import { offsetsAt, readerKnobs, readerOptions, readWhole, sawRecord } from "./reading.ts";
import { recordedCluster } from "./recorded_cluster.ts";
import { makeTopic, partitionsOf } from "./set_up.ts";
import type { Workload, WorkloadContext } from "./types.ts";

const KIND = "groups";
const TOPIC = "groups";
const GROUP = "group";
/** Up to this version topics have names in commits. */
const BY_NAME_MAX = 9;
/** All members of a run have the same ones. */
const ASSIGNORS: readonly (readonly Assignor[])[] = [
  ["range"],
  ["roundrobin"],
  ["sticky"],
  ["cooperative-sticky"],
  ["range", "cooperative-sticky"],
];

export const groups: Workload = {
  kind: KIND,

  plan(draws) {
    const sessionMs = whole(draws.skewed(6_000, 15_000));
    const operations = whole(draws.skewed(10, 100));
    return {
      kind: KIND,
      clients: 1 + draws.below(4),
      operations,
      knobs: {
        ...clientKnobs(draws),
        ...lifeKnobs(draws, 0.4),
        ...producerKnobs(draws, operations),
        ...readerKnobs(draws),
        partitions: 1 + draws.below(4),
        producers: 1 + draws.below(2),
        assignors: draws.below(ASSIGNORS.length),
        staticShare: draws.pick([0, 0, 0.5, 1]),
        stints: 1 + draws.below(4),
        stintMs: whole(draws.skewed(500, 12_000)),
        dawdleShare: draws.pick([0, 0, 0.01]),
        churnMs: draws.below(20_000),
        sessionMs,
        heartbeatMs: whole(draws.between(sessionMs / 20, sessionMs / 2)),
        maxPollMs: whole(draws.skewed(3_000, 20_000)),
        // 0: only when the member says so.
        autoCommitMs: draws.chance(0.5) ? whole(draws.skewed(50, 5_000)) : 0,
        commitShare: draws.between(0.05, 0.5),
      },
    };
  },

  async run(context) {
    const partitions = partitionsOf(TOPIC, knob(context, "partitions"));
    await live(context, "groups-maker", async (client) => {
      await makeTopic(client, TOPIC, partitions.length);
      await commitTheStart(client, partitions);
    });
    const assigned: Assigned[] = [];
    const watched: WorkloadContext = {
      ...context,
      record(event) {
        if (event.kind === "assigned") assigned.push(event);
        context.record(event);
      },
    };
    const company = (isOver: () => boolean) => [
      live(context, "groups-forger", (client) => commitAsBefore(client, assigned, isOver)),
      ...Array.from({ length: context.plan.clients }, (_, at) => {
        const stints = { left: knob(context, "stints") };
        const isStatic = context.world.draws(`groups-static${at}`).chance(knob(context, "staticShare"));
        const body = (client: Client) => beMember(client, isStatic ? `instance${at}` : null, stints, isOver);
        return live(watched, `groups-member${at}`, body, livesOf(context));
      }),
    ];
    await inCompany(company, async () => {
      await produceAll(context, { topic: TOPIC, partitions: partitions.length, count: knob(context, "producers") });
      await live(context, "groups-watcher", async (client) => {
        await client.sleep(Math.max(0, knob(context, "churnMs") - context.world.now));
        await untilAllIsCommitted(client, partitions);
      });
    });
  },

  async finish(context, reader) {
    const partitions = partitionsOf(TOPIC, knob(context, "partitions"));
    await live(context, `groups-${reader}`, async (client) => {
      await readWhole(client, partitions, reader);
      await committedNow(client, partitions);
    });
  },

  oracles: namedOracles([...RECORD_RULES, "poll-order", "one-owner", "generations", "committed-offsets", "group-skip"]),
};

const adminOf = (client: Client) =>
  openAdmin(client.io, patientOptions(client.context), recordedCluster(client, openCluster(client.io, patientOptions(client.context))));

/** A group without members goes with its last offset, and its generations begin anew then: this one has offsets from the beginning. */
async function commitTheStart(client: Client, partitions: readonly TopicPartition[]): Promise<void> {
  const admin = adminOf(client);
  await client.insist(async () => {
    for (const row of await admin.alterGroupOffsets(GROUP, partitions.map((partition) => ({ ...partition, offset: 0 })))) {
      if (!row.ok) throw row.error;
    }
  });
  await admin.close();
}

async function committedNow(client: Client, partitions: readonly TopicPartition[]): Promise<readonly number[]> {
  const admin = adminOf(client);
  const rows = await client.insist(() => admin.listGroupOffsets(GROUP, partitions));
  await admin.close();
  return partitions.map(({ partition }) => rows.find((row) => row.partition === partition)?.offset ?? -1);
}

async function untilAllIsCommitted(client: Client, partitions: readonly TopicPartition[]): Promise<void> {
  const ends = await offsetsAt(client, partitions, "latest");
  for (;;) {
    const committed = await committedNow(client, partitions);
    if (committed.every((offset, at) => offset >= ends[at]!)) return;
    await client.sleep(500);
  }
}

/** Commits as a member that has not heard of the latest generation would: every one of these must be refused. */
async function commitAsBefore(client: Client, assigned: readonly Assigned[], isOver: () => boolean): Promise<void> {
  const { context, draws, io } = client;
  const pool = openCluster(io, clientOptions(context));
  const cluster = recordedCluster(client, pool);
  while (!isOver()) {
    const latest = Math.max(...assigned.map(({ generation }) => generation));
    const old = assigned.filter(({ generation }) => generation < latest);
    if (old.length > 0) {
      const { member, generation } = draws.pick(old);
      const partition = draws.below(knob(context, "partitions"));
      const row = { partitionIndex: partition, committedOffset: 0, committedLeaderEpoch: -1, committedMetadata: "" };
      await cluster.call("any", OffsetCommit, {
        ...{ groupId: GROUP, generationIdOrMemberEpoch: generation, memberId: member, groupInstanceId: null },
        topics: [{ name: TOPIC, topicId: ZERO_UUID, partitions: [row] }],
      }, { deadline: io.deadlines.in("commit", knob(context, "requestTimeoutMs")), maxVersion: BY_NAME_MAX }).catch(mayFail);
    }
    await client.sleep(draws.skewed(100, 3_000));
  }
  await pool.close();
}

/** Joins and leaves as often as it has stints left; the last one goes on until everything is over. */
async function beMember(client: Client, groupInstanceId: string | null, stints: Budget, isOver: () => boolean): Promise<void> {
  const { context, draws, world } = client;
  while (!isOver()) {
    const isLast = --stints.left <= 0;
    const until = isLast ? Infinity : world.now + draws.between(0, knob(context, "stintMs"));
    const consumer = openMember(client, groupInstanceId);
    consumer.subscribe([TOPIC]);
    while (!isOver() && world.now < until) await readOnce(client, consumer, isLast);
    await consumer.close();
  }
}

function openMember(client: Client, groupInstanceId: string | null): ConsumerApi {
  const { context, io } = client;
  const autoCommitMs = knob(context, "autoCommitMs");
  return openConsumer(io, {
    ...readerOptions(context),
    groupId: GROUP,
    ...(groupInstanceId !== null && { groupInstanceId }),
    assignors: ASSIGNORS[knob(context, "assignors")]!,
    sessionTimeoutMs: knob(context, "sessionMs"),
    heartbeatIntervalMs: knob(context, "heartbeatMs"),
    maxPollIntervalMs: knob(context, "maxPollMs"),
    autoCommitIntervalMs: autoCommitMs === 0 ? null : autoCommitMs,
  }, recordedCluster(client, openCluster(io, clientOptions(context))));
}

async function readOnce(client: Client, consumer: ConsumerApi, isLast: boolean): Promise<void> {
  const { context, draws } = client;
  const askedAt = client.world.now;
  const records = await consumer.poll(draws.between(1, 1_000)).catch((error: unknown) => {
    // A join of its own that was on its way for long fences the one that came after it: who has nobody else to fear takes its place back.
    if (!(error instanceof KafkaError) || error.error !== "FENCED_INSTANCE_ID") throw error;
    context.world.mark("sim.groups.fenced_by_itself");
    consumer.subscribe([TOPIC]);
    return [];
  });
  for (const record of records) sawRecord(client, record, GROUP, askedAt);
  if (knob(context, "autoCommitMs") === 0 && draws.chance(knob(context, "commitShare"))) {
    const committing = consumer.commit().catch(mayFail);
    if (draws.chance(0.5)) await committing;
  }
  if (!isLast && draws.chance(knob(context, "dawdleShare"))) await client.sleep(1.5 * knob(context, "maxPollMs"));
}

/** A commit is refused for many good reasons; what it says is in the history. */
function mayFail(error: unknown): void {
  if (!(error instanceof KafkaError)) throw error;
}

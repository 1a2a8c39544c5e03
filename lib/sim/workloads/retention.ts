/**
 * Logs that lose their beginnings while they are written and read: by DeleteRecords, and by limits of time and size where the topic has them. Nothing
 * below an acknowledged start is read any more, and nothing above it is lost.
 */
import { KafkaError, openAdmin, openCluster } from "../../client/mod.ts";
import { namedOracles, RECORD_RULES } from "../oracles/mod.ts";
import { ADMIN_RECORDERS } from "./admin_recorders.ts";
import { type Client, inCompany, live } from "./client.ts";
import { clientKnobs, clientOptions, knob, lifeKnobs, livesOf, paceMs, whole } from "./knobs.ts";
import { fetchOnce } from "./plain_requests.ts";
import { type Budget, produceAll, producerKnobs } from "./producing.ts";
import { readsItsTopic } from "./reading.ts";
import { recordedCluster } from "./recorded_cluster.ts";
import { makeTopic } from "./set_up.ts";
import type { Workload, WorkloadContext } from "./types.ts";

const KIND = "retention";
const TOPIC = "retention";
/** How often who deleted records looks at once whether they are gone. */
const LOOK_SHARE = 0.5;

export const retention: Workload = {
  kind: KIND,

  plan(draws) {
    const cuts = whole(draws.skewed(3, 60));
    const operations = whole(draws.skewed(10, 120));
    return {
      kind: KIND,
      clients: 1 + draws.below(3),
      operations,
      knobs: {
        ...clientKnobs(draws),
        ...lifeKnobs(draws, 0.2),
        ...producerKnobs(draws, operations),
        partitions: 1 + draws.below(3),
        cutters: draws.below(3),
        cuts,
        cutPauseMs: paceMs(draws, cuts, 2_000),
        readers: draws.below(3),
        // 0: the topic has no limit of its own.
        retentionBytes: draws.chance(0.4) ? whole(draws.skewed(200, 100_000)) : 0,
        retentionMs: draws.chance(0.4) ? whole(draws.skewed(10, 20_000)) : 0,
        segmentMs: draws.chance(0.5) ? whole(draws.skewed(10, 10_000)) : 0,
        fileDeleteDelayMs: whole(draws.skewed(1, 60_000)),
      },
    };
  },

  async run(context) {
    const count = knob(context, "partitions");
    await live(context, "retention-maker", (client) => makeTopic(client, TOPIC, count, configsFor(context)));
    const readers = (isOver: () => boolean) =>
      Array.from(
        { length: knob(context, "readers") },
        (_, at) => live(context, `retention-reader${at}`, (client) => readAbout(client, isOver), livesOf(context)),
      );
    const cutters = () =>
      Array.from({ length: knob(context, "cutters") }, (_, at) => {
        const budget = { left: knob(context, "cuts") };
        return live(context, `retention-cutter${at}`, (client) => cut(client, budget), livesOf(context));
      });
    await inCompany(readers, () => Promise.all([produceAll(context, { topic: TOPIC, partitions: count, isKept: false }), ...cutters()]));
  },

  finish: readsItsTopic,

  oracles: namedOracles([...RECORD_RULES, "read-of-deleted"]),
};

function configsFor(context: WorkloadContext): Readonly<Record<string, string>> {
  const given = [["retention.bytes", "retentionBytes"], ["retention.ms", "retentionMs"], ["segment.ms", "segmentMs"]] as const;
  const limits = given.filter(([, name]) => knob(context, name) > 0).map(([setting, name]) => [setting, String(knob(context, name))]);
  return { ...Object.fromEntries(limits), "file.delete.delay.ms": String(knob(context, "fileDeleteDelayMs")) };
}

/** Deletes up to somewhere, again and again. */
async function cut(client: Client, budget: Budget): Promise<void> {
  const { context, draws, io } = client;
  const cluster = recordedCluster(client, openCluster(io, clientOptions(context)), ADMIN_RECORDERS);
  const admin = openAdmin(io, clientOptions(context), cluster);
  const mayFail = (error: unknown) => {
    if (!(error instanceof KafkaError)) throw error;
    return [];
  };
  while (budget.left > 0) {
    budget.left--;
    const place = { topic: TOPIC, partition: draws.below(knob(context, "partitions")) };
    const [end] = await admin.listOffsets([{ ...place, position: "latest" }]).catch(mayFail);
    if (end?.ok) {
      const offset = draws.chance(0.1) ? -1 : draws.below((end.value ?? 0) + 1);
      const [start] = await admin.deleteRecords([{ ...place, offset }]).catch(mayFail);
      // Everything there was: at least what the end was said to be before.
      if (offset === -1 && start?.ok && start.value < (end.value ?? 0)) {
        client.world.fail(
          `log-start: all of ${TOPIC}-${place.partition} was deleted, which ended at ${end.value}, and it starts at ${start.value}`,
        );
      }
      // What was just deleted is gone at once, and what follows is there.
      if (draws.chance(LOOK_SHARE)) await fetchOnce(client, cluster, TOPIC, place.partition, Math.max(0, offset - draws.below(2)));
    }
    await client.sleep(draws.float() * 2 * knob(context, "cutPauseMs"));
  }
  await admin.close();
}

/** Reads from where it pleases, and what it is given from there on. */
async function readAbout(client: Client, isOver: () => boolean): Promise<void> {
  const { context, draws, io } = client;
  const cluster = openCluster(io, clientOptions(context));
  const next = new Map<number, number>();
  while (!isOver()) {
    const partition = draws.below(knob(context, "partitions"));
    const known = next.get(partition) ?? 0;
    const offset = draws.chance(0.5) ? known : draws.below(known + 3);
    const behind = await fetchOnce(client, cluster, TOPIC, partition, offset);
    if (behind !== null) next.set(partition, Math.max(known, behind));
    await client.sleep(draws.skewed(1, 1_000));
  }
  await cluster.close();
}

/** What requests of administrators asked for and were told, for `recordedCluster`: every try by itself. */
import {
  CreatePartitions,
  CreateTopics,
  DeleteGroups,
  DeleteRecords,
  DeleteTopics,
  DescribeConfigs,
  type Draft,
  IncrementalAlterConfigs,
  type Infer,
} from "../../protocol/mod.ts";
import type { Changed, Told } from "../history.ts";
import type { Client } from "./client.ts";
import { sawStart } from "./plain_requests.ts";
import { recorders, toldBy } from "./recorded_cluster.ts";

const TOPIC = 2;
/** The source of a setting that the topic has itself. */
const OWN = 1;

type Change = Pick<Changed, "change" | "topic" | "partition" | "detail">;

/** One change of several in a request. */
function asksFor(client: Client, change: Change) {
  const tell = client.asks((asked) => ({ ...asked, kind: "changed", ...change, told: "unknown" }));
  return {
    topic: change.topic,
    partition: change.partition,
    detail: change.detail,
    tell: (told: Told, detail = change.detail) => {
      tell((asked) => ({ ...asked, kind: "changed", ...change, detail, told }));
      if (told === "ok") client.context.count("changed");
    },
  };
}

type AskedFor = ReturnType<typeof asksFor>;

/** Each is told what the row of its topic says. */
function byTopic<Reply>(changes: readonly AskedFor[], codeOf: (reply: Reply, topic: string) => number | undefined) {
  return {
    replied: (reply: Reply) => {
      for (const { topic, tell } of changes) {
        const code = codeOf(reply, topic);
        tell(code === undefined ? "unknown" : toldBy(code));
      }
    },
    failed: (told: Told) => changes.forEach(({ tell }) => tell(told)),
  };
}

function createTopics(client: Client, { topics }: Draft<typeof CreateTopics.request>) {
  const changes = topics.map(({ name, numPartitions, configs }) => {
    const detail = configs.map((config) => `${config.name}=${config.value}`).join(" ");
    return asksFor(client, { change: "createTopic", topic: name, partition: numPartitions, detail });
  });
  return byTopic(
    changes,
    (reply: Infer<typeof CreateTopics.response>, topic) => reply.topics.find(({ name }) => name === topic)?.errorCode,
  );
}

function deleteTopics(client: Client, { topics }: Draft<typeof DeleteTopics.request>) {
  const changes = (topics ?? []).map(({ name }) => asksFor(client, { change: "deleteTopic", topic: name ?? "", partition: 0, detail: "" }));
  return byTopic(
    changes,
    ({ responses }: Infer<typeof DeleteTopics.response>, topic) => responses.find(({ name }) => name === topic)?.errorCode,
  );
}

function createPartitions(client: Client, { topics }: Draft<typeof CreatePartitions.request>) {
  const changes = topics.map(({ name, count }) =>
    asksFor(client, { change: "createPartitions", topic: name, partition: count, detail: "" })
  );
  return byTopic(
    changes,
    ({ results }: Infer<typeof CreatePartitions.response>, topic) => results.find(({ name }) => name === topic)?.errorCode,
  );
}

/** Without a value: the topic does not have it itself any more. */
function alterConfigs(client: Client, { resources }: Draft<typeof IncrementalAlterConfigs.request>) {
  const changes = resources.filter(({ resourceType }) => resourceType === TOPIC).map(({ resourceName, configs }) => {
    const detail = configs.map(({ name, value }) => `${name}=${value ?? ""}`).join(" ");
    return asksFor(client, { change: "alterConfig", topic: resourceName, partition: 0, detail });
  });
  return byTopic(
    changes,
    ({ responses }: Infer<typeof IncrementalAlterConfigs.response>, topic) =>
      responses.find(({ resourceName }) => resourceName === topic)?.errorCode,
  );
}

function describeConfigs(client: Client) {
  const askedAt = client.world.now;
  return {
    replied({ results }: Infer<typeof DescribeConfigs.response>) {
      for (const { resourceType, resourceName, errorCode, configs } of results) {
        if (resourceType !== TOPIC || errorCode !== 0) continue;
        const own = Object.fromEntries(
          configs.filter(({ configSource }) => configSource === OWN).map(({ name, value }) => [name, value ?? ""]),
        );
        client.saw((asked) => ({ ...asked, kind: "described", topic: resourceName, configs: own }), askedAt);
      }
    },
    failed: () => {},
  };
}

/** Records the start that a deletion of records was answered with: not below what was asked for. */
export function startsAt(
  client: Client,
  { topic, partition, asked, told }: { readonly topic: string; readonly partition: number; readonly asked: number; readonly told: number },
  askedAt: number,
): void {
  if (told < asked) {
    client.world.fail(`log-start: ${topic}-${partition} starts at ${told}, was the answer to who deleted all below ${asked}`);
  }
  sawStart(client, topic, partition, told, askedAt);
}

function deleteRecords(client: Client, { topics }: Draft<typeof DeleteRecords.request>) {
  const askedAt = client.world.now;
  const changes = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, offset }) =>
      asksFor(client, { change: "deleteRecords", topic: name, partition: partitionIndex, detail: String(offset) })
    )
  );
  return {
    replied({ topics }: Infer<typeof DeleteRecords.response>) {
      for (const { topic, partition, detail, tell } of changes) {
        const row = topics.find(({ name }) => name === topic)?.partitions.find(({ partitionIndex }) => partitionIndex === partition);
        if (row?.errorCode === 0) {
          startsAt(client, { topic, partition, asked: Number(detail), told: row.lowWatermark }, askedAt);
          tell("ok", detail === "-1" ? String(row.lowWatermark) : detail);
        } else tell(row === undefined ? "unknown" : toldBy(row.errorCode));
      }
    },
    failed: (told: Told) => changes.forEach(({ tell }) => tell(told)),
  };
}

function deleteGroups(client: Client, { groupsNames }: Draft<typeof DeleteGroups.request>) {
  const changes = groupsNames.map((topic) => asksFor(client, { change: "deleteGroup", topic, partition: 0, detail: "" }));
  return byTopic(
    changes,
    ({ results }: Infer<typeof DeleteGroups.response>, group) => results.find(({ groupId }) => groupId === group)?.errorCode,
  );
}

export const ADMIN_RECORDERS = recorders([
  [CreateTopics, createTopics],
  [DeleteTopics, deleteTopics],
  [CreatePartitions, createPartitions],
  [IncrementalAlterConfigs, alterConfigs],
  [DescribeConfigs, describeConfigs],
  [DeleteRecords, deleteRecords],
  [DeleteGroups, deleteGroups],
]);

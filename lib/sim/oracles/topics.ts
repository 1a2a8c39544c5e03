/**
 * What admin clients made of topics can be seen: created ones are listed until somebody asks for their deletion, deleted ones are not, more
 * partitions and other settings show. Each topic is a register of its number of partitions (0: there is none), and one of each setting.
 */
import type { Changed, History, Oracle } from "../history.ts";
import { changesOf, configsOf, eventsOf, isBefore, settledAt } from "./facts.ts";
import { impossibleAnswers, initially, type Write } from "./register.ts";

const writeOf = <Value>(change: Changed, value: Value): Write<Value> => ({
  value,
  askedAt: change.askedAt,
  toldAt: settledAt(change),
  isCertain: change.told === "ok",
});

/** Topics that this history saw made; of others nobody knows what they were. */
const topicsOf = (history: History): ReadonlySet<string> => new Set(changesOf(history, "createTopic").map(({ topic }) => topic));

const LIFE: ReadonlySet<string> = new Set(["createTopic", "deleteTopic", "createPartitions"]);

export const topicLists: Oracle = (history) => {
  const lists = eventsOf(history, "listed");
  const changes = eventsOf(history, "changed").filter(({ change, told }) => told !== "failed" && LIFE.has(change));
  return [...topicsOf(history)].flatMap((topic) => {
    const writes = changes.filter((change) => change.topic === topic)
      .map((change) => writeOf(change, change.change === "deleteTopic" ? 0 : change.partition));
    const answers = lists.map(({ client, askedAt, toldAt, topics }) => ({ client, askedAt, toldAt, value: topics[topic] ?? 0 }));
    return impossibleAnswers([initially(0), ...writes], answers).map(({ answer, why }) =>
      `${topic}: ${answer.client} was told of ${answer.value} partitions at ${answer.toldAt}, but ${why}`
    );
  });
};

/** A topic is created when there is none and deleted when there is one: between two of a kind there is one of the other. */
export const topicLives: Oracle = (history) => [
  ...repeated(changesOf(history, "createTopic"), changesOf(history, "deleteTopic")),
  ...repeated(changesOf(history, "deleteTopic"), changesOf(history, "createTopic")),
];

function repeated(kind: readonly Changed[], other: readonly Changed[]): readonly string[] {
  const problems: string[] = [];
  for (const [topic, all] of Map.groupBy(kind.filter(({ told }) => told === "ok"), (change) => change.topic)) {
    const between = other.filter((change) => change.topic === topic);
    for (const first of all) {
      for (const second of all) {
        if (first === second || !isBefore(first, second)) continue;
        if (between.some((change) => settledAt(change) > first.askedAt && change.askedAt < second.toldAt)) continue;
        problems.push(`${topic}: ${first.change} was acknowledged at ${first.toldAt} and again at ${second.toldAt}, with nothing between`);
      }
    }
  }
  return problems;
}

/** A setting that a topic does not have itself is the empty text. */
export const topicConfigs: Oracle = (history) => {
  const problems: string[] = [];
  const changes = eventsOf(history, "changed").filter(({ told }) => told !== "failed");
  const made = topicsOf(history);
  for (const [topic, answers] of Map.groupBy(eventsOf(history, "described"), (event) => event.topic)) {
    if (!made.has(topic)) continue;
    const own = changes.filter((change) => change.topic === topic);
    const names = new Set([
      ...own.flatMap(({ detail }) => [...configsOf(detail).keys()]),
      ...answers.flatMap(({ configs }) => Object.keys(configs)),
    ]);
    for (const name of names) {
      const writes = own.flatMap((change) => {
        const value = configsOf(change.detail).get(name);
        if (change.change === "createTopic" || change.change === "deleteTopic") return [writeOf(change, value ?? "")];
        return change.change === "alterConfig" && value !== undefined ? [writeOf(change, value)] : [];
      });
      const told = answers.map(({ client, askedAt, toldAt, configs }) => ({ client, askedAt, toldAt, value: configs[name] ?? "" }));
      for (const { answer, why } of impossibleAnswers([initially(""), ...writes], told)) {
        problems.push(`${topic}: ${answer.client} was told that ${name} is "${answer.value}" at ${answer.toldAt}, but ${why}`);
      }
    }
  }
  return problems;
};

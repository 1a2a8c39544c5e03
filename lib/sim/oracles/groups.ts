/**
 * What a group promises: in a generation a partition has one owner, an earlier generation commits nothing any more, a committed offset is
 * what was committed last, and it covers only what some member has read. Source: KIP-62, KIP-429.
 */
import type { Assigned, History, Oracle } from "../history.ts";
import { changesOf, eventsOf, hasHoles, isBefore, lossesOf, placeOf, settledAt } from "./facts.ts";
import { impossibleAnswers, initially } from "./register.ts";

/** Generations of a group that was deleted begin anew, so nothing follows from their numbers. */
function lastingGroups(history: History): ReadonlyMap<string, readonly Assigned[]> {
  const deleted = new Set(changesOf(history, "deleteGroup").map(({ topic }) => topic));
  return Map.groupBy(eventsOf(history, "assigned").filter(({ group }) => !deleted.has(group)), ({ group }) => group);
}

export const oneOwner: Oracle = (history) => {
  const problems: string[] = [];
  for (const [group, all] of lastingGroups(history)) {
    const owners = new Map<string, string>();
    for (const { member, generation, partitions } of all) {
      for (const partition of partitions) {
        const key = `${generation} ${partition}`;
        const owner = owners.get(key);
        if (owner === undefined) owners.set(key, member);
        else if (owner !== member) problems.push(`${group}: ${partition} belongs to ${owner} and ${member} in generation ${generation}`);
      }
    }
  }
  return problems;
};

/** Once anybody was given partitions in a generation, the earlier ones are over. */
export const generations: Oracle = (history) => {
  const problems: string[] = [];
  const groups = lastingGroups(history);
  for (const [group, all] of groups) {
    let latest: Assigned | null = null;
    for (const event of all.toSorted((a, b) => a.askedAt - b.askedAt)) {
      const newer = all.find((other) => other.generation > event.generation && isBefore(other, event));
      if (newer !== undefined && newer !== latest) {
        problems.push(
          `${group}: ${event.member} was given partitions in generation ${event.generation} after ${newer.member} in ${newer.generation}`,
        );
        latest = newer;
      }
    }
  }
  for (const commit of eventsOf(history, "committed")) {
    if (commit.told !== "ok" || commit.generation < 0) continue;
    const newer = groups.get(commit.group)?.find((other) => other.generation > commit.generation && isBefore(other, commit));
    if (newer === undefined) continue;
    problems.push(
      `${commit.group}: ${commit.member} committed ${
        placeOf(commit)
      } in generation ${commit.generation}, but ${newer.member} was in ${newer.generation} already`,
    );
  }
  return problems;
};

/**
 * A register for every (group, partition); -1: nothing is committed. What was committed of a deleted topic may be told for a while, as Kafka does, but
 * not of the next one of its name.
 */
export const committedOffsets: Oracle = (history) => {
  const created = changesOf(history, "createTopic").filter(({ told }) => told === "ok");
  const gone = changesOf(history, "deleteTopic").map((change) => {
    const next = created.find(({ topic, askedAt }) => topic === change.topic && askedAt >= change.toldAt);
    return { ...change, toldAt: next?.toldAt ?? Infinity };
  });
  const forgets = [...changesOf(history, "deleteGroup"), ...gone];
  const lasting = lastingGroups(history);
  const commits = Map.groupBy(eventsOf(history, "committed").filter(({ told }) => told !== "failed"), keyOf);
  return [...Map.groupBy(eventsOf(history, "fetched"), keyOf)].flatMap(([key, answers]) => {
    const { group, topic } = answers[0]!;
    const writes = (commits.get(key) ?? []).map((commit) => ({
      value: commit.offset,
      askedAt: commit.askedAt,
      toldAt: settledAt(commit),
      isCertain: commit.told === "ok",
      // A commit that was on its way for long is worth nothing once a later generation has committed.
      ...(lasting.has(group) && { fence: commit.generation }),
    }));
    const emptied = forgets.filter((change) => change.topic === (change.change === "deleteGroup" ? group : topic)).map((change) => ({
      value: -1,
      askedAt: change.askedAt,
      toldAt: settledAt(change),
      isCertain: change.told === "ok",
    }));
    const told = answers.map(({ client, askedAt, toldAt, offset }) => ({ client, askedAt, toldAt, value: offset }));
    return impossibleAnswers([initially(-1), ...writes, ...emptied], told).map(({ answer, why }) =>
      `${key}: ${answer.client} was told that ${answer.value} is committed at ${answer.toldAt}, but ${why}`
    );
  });
};

/** Members commit what they have read: below a committed offset there is no acknowledged record that nobody in the group was given. */
export const groupSkips: Oracle = (history) => {
  const problems: string[] = [];
  const losses = lossesOf(history);
  const acknowledged = Map.groupBy(eventsOf(history, "produced").filter(({ told, offset }) => told === "ok" && offset >= 0), placeOf);
  const read = new Map<string, Map<number, number>>();
  for (const { group, offset, toldAt, ...place } of eventsOf(history, "read")) {
    const key = keyOf({ group, ...place });
    const offsets = read.get(key) ?? new Map<number, number>();
    if (!offsets.has(offset)) offsets.set(offset, toldAt);
    read.set(key, offsets);
  }
  /** Below it everything was looked at when an earlier commit was. */
  const looked = new Map<string, number>();
  for (const commit of eventsOf(history, "committed")) {
    // What an administrator commits nobody need have read.
    if (commit.told !== "ok" || commit.generation < 0 || hasHoles(losses, commit)) continue;
    const key = keyOf(commit);
    const from = looked.get(key) ?? 0;
    looked.set(key, Math.max(from, commit.offset));
    for (const { offset, mark } of acknowledged.get(placeOf(commit)) ?? []) {
      if (offset < from || offset >= commit.offset || (read.get(key)?.get(offset) ?? Infinity) <= commit.askedAt) continue;
      problems.push(`${key}: ${commit.member} committed ${commit.offset}, but nobody had been given ${mark} at offset ${offset}`);
    }
  }
  return problems;
};

const keyOf = (event: { readonly group: string; readonly topic: string; readonly partition: number }): string =>
  `${event.group}/${placeOf(event)}`;

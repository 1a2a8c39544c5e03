/**
 * Runs a script of group commands against a machine and writes down what it did: records appended, answers given. Members are named by
 * the script; their ids, generations and instance ids are remembered from the answers, so that scripts read as what clients do.
 *
 * A script is a list of `> command` lines, each followed by its transcript. `advance 500` moves both clocks and fires timers on the way.
 * Appends are durable at once unless `hold` was said; then `settle` lets the oldest one become durable and `fail ERROR` fails it.
 */
import { GroupsMachine } from "../../../lib/state/groups/mod.ts";
import type { Command, Effects, GroupRecord, GroupSettings, Now, Reply } from "../../../lib/state/groups/mod.ts";
import { type KafkaErrorName } from "../../../lib/protocol/errors.ts";
import { type Uuid, ZERO_UUID } from "../../../lib/protocol/ids.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder();

export const SETTINGS: GroupSettings = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 0,
  maxSize: 10_000,
  newMemberJoinTimeoutMs: 300_000,
  offsetMetadataMaxSize: 16,
  offsetsRetentionMs: 100_000,
};

/** The script again, with the transcript as it is now. */
export function runScenario(script: string): string {
  const scenario = new Scenario();
  const out: string[] = [];
  for (const line of script.split("\n")) {
    if (line.startsWith("#")) out.push(...(out.length > 0 ? [""] : []), line);
    if (!line.startsWith("> ")) continue;
    if (out.length > 0 && !out.at(-1)!.startsWith("#")) out.push("");
    out.push(line, ...scenario.run(line.slice(2).trim()));
  }
  return out.join("\n") + "\n";
}

interface Person {
  memberId: string;
  generation: number;
  instanceId: string | null;
  /** What it said when it joined last, unless it says otherwise. */
  readonly joins: Map<string, string>;
}

class Scenario {
  #settings: GroupSettings = SETTINGS;
  #machine = new GroupsMachine(SETTINGS);
  #now: Now = { mono: 0, wall: 1_000_000 };
  #log: GroupRecord[] = [];
  #held: Effects["append"][] = [];
  #isHolding = false;
  #wakeAt: number | null = null;
  #tickets: string[] = [];
  #people = new Map<string, Person>();
  #born = new Map<string, number>();
  #out: string[] = [];

  run(line: string): string[] {
    this.#out = [];
    const words = line.split(/\s+/);
    const options = new Map(words.filter((word) => word.includes("=")).map((word) => word.split(/=(.*)/s) as [string, string]));
    const [verb = "", group = "", who = ""] = words.filter((word) => !word.includes("="));
    const number = (name: string, fallback: number) => Number(options.get(name) ?? fallback);
    const person = this.#person(who);
    const fence = () => ({
      groupId: group,
      memberId: options.get("member") ?? person.memberId,
      instanceId: options.has("instance") ? options.get("instance")! : person.instanceId,
      generation: number("generation", person.generation),
    });
    const ticket = () => this.#tickets.push(`${who === "" || verb.startsWith("delete") ? group : who}.${verb}`) - 1;

    switch (verb) {
      case "settings":
        this.#settings = { ...this.#settings, ...Object.fromEntries([...options].map(([name, value]) => [name, Number(value)])) };
        this.#machine = new GroupsMachine(this.#settings);
        break;
      case "join": {
        for (const name of ["session", "rebalance", "protocols", "type", "v"]) {
          const said = options.get(name);
          if (said !== undefined) person.joins.set(name, said);
        }
        const said = (name: string, fallback: string) => person.joins.get(name) ?? fallback;
        if (options.has("instance")) person.instanceId = options.get("instance")!;
        const memberId = options.get("member") ?? person.memberId;
        const born = (this.#born.get(who) ?? 0) + 1;
        this.#born.set(who, born);
        const session = said("session", "10000");
        this.#step({
          kind: "join",
          ticket: ticket(),
          groupId: group === "''" ? "" : group,
          memberId: memberId === "''" ? "" : memberId,
          instanceId: person.instanceId,
          clientId: who,
          clientHost: "/127.0.0.1",
          sessionTimeoutMs: Number(session),
          rebalanceTimeoutMs: Number(said("rebalance", session)),
          protocolType: said("type", "consumer"),
          protocols: said("protocols", "range:t").split("|").filter((each) => each !== "").map((each) => {
            const [name = "", topics = ""] = each.split(":");
            return { name, metadata: subscription(topics.split(",")) };
          }),
          newMemberId: `${who}${born}`,
          requireKnownMemberId: Number(said("v", "9")) >= 4,
          canSkipAssignment: Number(said("v", "9")) >= 9,
        });
        break;
      }
      case "sync":
        this.#step({
          kind: "sync",
          ticket: ticket(),
          ...fence(),
          protocolType: options.get("type") ?? null,
          protocolName: options.get("protocol") ?? null,
          assignments: [...options].filter(([name]) => name.startsWith("@")).map(([name, value]) => ({
            memberId: this.#people.get(name.slice(1))?.memberId ?? name.slice(1),
            assignment: utf8.encode(value),
          })),
        });
        break;
      case "heartbeat":
        this.#step({ kind: "heartbeat", ticket: ticket(), ...fence() });
        break;
      case "leave":
        this.#step({
          kind: "leave",
          ticket: ticket(),
          groupId: group,
          members: who === ""
            ? [{ memberId: options.get("member") ?? "", instanceId: options.get("instance") ?? null }]
            : [{ memberId: person.memberId, instanceId: person.instanceId }],
        });
        break;
      case "commit":
        this.#step({
          kind: "commit",
          ticket: ticket(),
          ...(who === "" ? { groupId: group, memberId: "", instanceId: null, generation: number("generation", -1) } : fence()),
          knowsGroupIdNotFound: number("v", 9) >= 9,
          retentionMs: number("retention", -1),
          topics: [...options].filter(([name]) => name.includes("/")).map(([name, value]) => {
            const [offset, metadata = null] = value.split(",");
            const [topic = "", partition] = name.split("/");
            return {
              topic,
              topicId: (options.get("id") ?? ZERO_UUID) as Uuid,
              partitions: [{ partition: Number(partition), offset: Number(offset), leaderEpoch: number("epoch", -1), metadata }],
            };
          }),
        });
        break;
      case "delete-groups":
        this.#step({ kind: "deleteGroups", ticket: ticket(), groupIds: words.slice(1) });
        break;
      case "delete-offsets":
        this.#step({
          kind: "deleteOffsets",
          ticket: ticket(),
          groupId: group,
          topics: words.slice(2).map((word) => ({ topic: word.split("/")[0]!, partitions: [Number(word.split("/")[1])] })),
        });
        break;
      case "topics-deleted":
        this.#step({ kind: "topicsDeleted", topics: [{ topic: group, topicId: (options.get("id") ?? ZERO_UUID) as Uuid }] });
        break;
      case "topics-there":
        this.#step({ kind: "topicsThere", topics: new Map([[group, { topicId: (options.get("id") ?? ZERO_UUID) as Uuid }]]) });
        break;
      case "clean-up":
        this.#step({ kind: "cleanUp" });
        break;
      case "advance":
        this.#advance(Number(group));
        break;
      case "hold":
        this.#isHolding = true;
        break;
      case "settle":
        this.#settle(null);
        break;
      case "fail":
        this.#settle(group as KafkaErrorName);
        break;
      case "release":
        this.#isHolding = false;
        while (this.#held.length > 0) this.#settle(null);
        break;
      case "restart":
        this.#machine = new GroupsMachine(this.#settings);
        this.#held = [];
        for (const record of this.#log) this.#machine.replay(record);
        this.#perform(this.#machine.loaded(this.#now));
        break;
      case "fetch":
        for (const { topic, partitions } of this.#machine.allCommitted(group)) {
          for (const { partition, committed } of partitions) {
            this.#say(`${topic}/${partition} offset=${committed.offset} epoch=${committed.leaderEpoch} metadata='${committed.metadata}'`);
          }
        }
        break;
      case "list":
        for (const each of this.#machine.list()) this.#say(`${each.groupId} ${each.state} '${each.protocolType}'`);
        break;
      case "describe": {
        const described = this.#machine.describe(group);
        this.#say(described === null ? "no such group" : `${described.state} '${described.protocolType}' '${described.protocolName}'`);
        for (const { memberId, instanceId, assignment } of described?.members ?? []) {
          this.#say(`  ${memberId}${instanceId === null ? "" : ` instance=${instanceId}`} assignment='${text.decode(assignment)}'`);
        }
        break;
      }
      default:
        throw new Error(`Unknown command in a scenario: "${line}"`);
    }
    return this.#out;
  }

  #person(name: string): Person {
    let person = this.#people.get(name);
    if (person === undefined) this.#people.set(name, person = { memberId: "", generation: -1, instanceId: null, joins: new Map() });
    return person;
  }

  #say(line: string): void {
    this.#out.push(line);
  }

  #step(command: Command): void {
    this.#perform(this.#machine.step(command, this.#now));
  }

  #advance(byMs: number): void {
    const end = this.#now.mono + byMs;
    while (this.#wakeAt !== null && this.#wakeAt <= end) {
      this.#moveClock(this.#wakeAt);
      this.#perform(this.#machine.tick(this.#now));
    }
    this.#moveClock(end);
  }

  #moveClock(mono: number): void {
    const passed = Math.max(mono - this.#now.mono, 0);
    this.#now = { mono: this.#now.mono + passed, wall: this.#now.wall + passed };
  }

  #settle(error: KafkaErrorName | null): void {
    const append = this.#held.shift();
    if (append === undefined || append === null) throw new Error("Nothing to settle");
    if (error === null) this.#log.push(...append.records);
    this.#perform(this.#machine.appended(append.token, error, this.#now));
  }

  #perform(effects: Effects): void {
    this.#wakeAt = effects.wakeAt;
    for (const { ticket, reply } of effects.replies) this.#answered(this.#tickets[ticket]!, reply);
    if (effects.append !== null) {
      for (const record of effects.append.records) this.#say(`append ${recordText(record)}`);
      this.#held.push(effects.append);
      if (!this.#isHolding) this.#settle(null);
    }
    // A timer that is due at once fires within the same command, as the host would have it.
    if (this.#wakeAt !== null && this.#wakeAt <= this.#now.mono) this.#perform(this.#machine.tick(this.#now));
  }

  #answered(name: string, reply: Reply): void {
    const person = this.#person(name.split(".")[0]!);
    if ("skipAssignment" in reply) {
      if (reply.memberId !== "" || reply.error === "UNKNOWN_MEMBER_ID") person.memberId = reply.memberId;
      if (reply.error !== "NONE") return this.#say(`${name}: ${reply.error} member=${reply.memberId}`);
      person.generation = reply.generation;
      const members = reply.members.length === 0 ? "" : ` members=[${reply.members.map((each) => each.memberId).join(" ")}]`;
      const skip = reply.skipAssignment ? " skip" : "";
      return this.#say(
        `${name}: member=${reply.memberId} generation=${reply.generation} protocol=${reply.protocolName} leader=${reply.leader}${members}${skip}`,
      );
    }
    if ("assignment" in reply) {
      const assigned = reply.error === "NONE" ? ` protocol=${reply.protocolName} assignment='${text.decode(reply.assignment)}'` : "";
      return this.#say(`${name}: ${reply.error}${assigned}`);
    }
    if ("topics" in reply) {
      const rows = reply.topics.flatMap(({ topic, partitions }) => partitions.map((each) => ` ${topic}/${each.partition}=${each.error}`));
      return this.#say(`${name}: ${reply.error}${rows.join("")}`);
    }
    if ("members" in reply) {
      if (reply.members.some(({ error }) => error === "NONE")) person.memberId = "";
      return this.#say(
        `${name}: ${reply.error}${reply.members.map((each) => ` ${each.memberId || each.instanceId}=${each.error}`).join("")}`,
      );
    }
    if ("error" in reply) return this.#say(`${name}: ${reply.error}`);
    this.#say(`${name}:${reply.map((each) => ` ${each.groupId}=${each.error}`).join("")}`);
  }
}

function recordText(record: GroupRecord): string {
  if (record.kind === "offset") {
    const key = `${record.groupId} ${record.topic}/${record.partition}`;
    return record.value === null ? `${key} tombstone` : `${key} offset=${record.value.offset}`;
  }
  if (record.value === null) return `${record.groupId} tombstone`;
  const { generation, protocolName, leader, members } = record.value;
  const stored = members.map((each) => `${each.memberId}:${text.decode(each.assignment)}`).join(" ");
  return `${record.groupId} generation=${generation} protocol=${protocolName} leader=${leader} members=[${stored}]`;
}

/** ConsumerProtocolSubscription v0. */
export function subscription(topics: readonly string[]): Uint8Array {
  const names = topics.map((topic) => utf8.encode(topic));
  const bytes = new Uint8Array(6 + names.reduce((sum, name) => sum + 2 + name.length, 0));
  const view = new DataView(bytes.buffer);
  view.setInt32(2, names.length);
  let at = 6;
  for (const name of names) {
    view.setInt16(at, name.length);
    bytes.set(name, at + 2);
    at += 2 + name.length;
  }
  return bytes;
}
